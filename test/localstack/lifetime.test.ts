/** LocalStack's own promise: what it starts ends with who started it, also when that dies without a word. */
import { strict as assert } from "node:assert";
import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { promisify } from "node:util";
import { DynamoDBClient, ListTablesCommand } from "@aws-sdk/client-dynamodb";
import { describe, expect, it } from "vitest";
import { localStack } from "../component.ts";
import { missingTools } from "./install.ts";
import { cacheFolder } from "./start.ts";
import { localConfig } from "./tables.ts";

/** The first who asks may install it; so this file waits for that, and starts one of its own only where that is possible. */
const canStart = (await localStack()) !== undefined && (await missingTools(cacheFolder())).length === 0;
const goneMsMax = 10_000;

describe.skipIf(!canStart)("LocalStack", () => {
  it.each(["SIGTERM", "SIGKILL"] as const)("ends, DynamoDB Local with it, when its starter ends by %s", async (signal) => {
    const starter = spawn(process.execPath, [join(import.meta.dirname, "main.ts")], { stdio: ["ignore", "pipe", "inherit"] });
    const exit = once(starter, "exit");
    const [line] = await once(createInterface({ input: starter.stdout }), "line");
    const [, endpoint, group] = /URL=(\S+) # process group (\d+)/.exec(String(line)) ?? [];
    assert(endpoint !== undefined && group !== undefined, "main.ts says where it is");
    const client = new DynamoDBClient(localConfig(endpoint));
    expect((await client.send(new ListTablesCommand())).TableNames).toEqual([]);
    client.destroy();
    expect((await membersOf(group)).length).toBeGreaterThan(1);
    starter.kill(signal);
    await exit;
    expect(await leftOf(group)).toEqual([]);
  });
});

/** The group's processes, once there are none or it takes too long. */
async function leftOf(group: string): Promise<string[]> {
  const deadline = Date.now() + goneMsMax;
  for (;;) {
    const members = await membersOf(group);
    if (members.length === 0 || Date.now() > deadline) return members;
  }
}

/** Lines of `ps`, without those that have ended and wait for their parent to notice (Z). */
async function membersOf(group: string): Promise<string[]> {
  const { stdout } = await promisify(execFile)("ps", ["-A", "-o", "pgid=", "-o", "stat=", "-o", "pid="]);
  const lines = stdout.split("\n").map((line) => line.trim().split(/\s+/));
  return lines.filter(([pgid, stat]) => pgid === group && !stat?.startsWith("Z")).map((line) => line.join(" "));
}
