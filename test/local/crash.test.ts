/**
 * Kill -9 in the middle of a write load: every acknowledged write is there at the next start, revisions have no hole, and a watch
 * resumed from its last version misses and repeats nothing. A second server on the folder, or a port that is taken, is refused.
 */
import { execFile } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { request } from "node:http";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { node } from "../conformance/objects-of.ts";
import { Server } from "./server.ts";

const nodes = "/apis/windlass.dev/v1/nodes";
const servers: Server[] = [];
const folders: string[] = [];

async function start(folder?: string): Promise<Server> {
  const at = folder ?? (await mkdtemp(path.join(tmpdir(), "windlass-")));
  folders.push(at);
  const server = await Server.start(at);
  servers.push(server);
  return server;
}

afterAll(async () => {
  for (const server of servers) await server.end("SIGKILL");
  for (const folder of new Set(folders)) await rm(folder, { recursive: true });
});

type Metadata = { readonly name: string; readonly resourceVersion: string };
type Seen = { readonly type: string; readonly object: { readonly metadata: Metadata } };

/** Creates nodes, eight at a time, until the server is gone; those that were acknowledged. */
async function load(server: Server, round: number): Promise<Metadata[]> {
  const acknowledged: Metadata[] = [];
  const writer = async (id: number) => {
    for (let i = 0; ; i += 1) {
      try {
        const { status, body } = await server.ask("POST", nodes, node(`n-${round}-${id}-${i}`));
        if (status !== 201) throw new Error(`create answered ${status}: ${body}`);
        acknowledged.push((JSON.parse(body) as { metadata: Metadata }).metadata);
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === undefined) throw error;
        return;
      }
    }
  };
  const writers = Array.from({ length: 8 }, (_, id) => writer(id));
  while (acknowledged.length < 200 + 100 * round) await new Promise(setImmediate);
  await server.end("SIGKILL");
  await Promise.all(writers);
  return acknowledged;
}

/** Events after `version` until the connection ends or `enough` of them came. */
function watch(server: Server, version: string, enough = Number.POSITIVE_INFINITY): Promise<Seen[]> {
  return new Promise((resolve, reject) => {
    const seen: Seen[] = [];
    const headers = { authorization: `Bearer ${server.token}` };
    const url = `${nodes}?watch=true&resourceVersion=${version}`;
    const sent = request({ host: "127.0.0.1", port: server.port, path: url, headers }, (response) => {
      let rest = "";
      response.setEncoding("utf8").on("data", (text: string) => {
        const lines = (rest + text).split("\n");
        rest = lines.pop() ?? "";
        for (const line of lines) if (line !== "") seen.push(JSON.parse(line) as Seen);
        if (seen.length >= enough) sent.destroy();
      });
      // The kill breaks the connection: that is the end this waits for.
      response.on("error", () => resolve(seen));
      response.on("close", () => resolve(seen));
    });
    sent.on("error", (error) => (seen.length >= enough ? resolve(seen) : reject(error)));
    sent.end();
  });
}

describe("kill -9", () => {
  it("loses nothing that was acknowledged, leaves no hole, and watches go on", async () => {
    let server = await start();
    const list = async () =>
      JSON.parse((await server.ask("GET", nodes)).body) as { metadata: Metadata; items: { metadata: Metadata }[] };
    const { metadata } = await list();
    const acknowledged: Metadata[] = [];
    const events: Seen[] = [];
    let last = metadata.resourceVersion;
    for (let round = 0; round < 3; round += 1) {
      const watching = watch(server, last);
      acknowledged.push(...(await load(server, round)));
      events.push(...(await watching));
      last = events.at(-1)?.object.metadata.resourceVersion ?? last;
      server = await start(server.folder);
    }
    const after = await list();
    const rest = after.items.length - events.length;
    if (rest > 0) events.push(...(await watch(server, last, rest)));
    const there = new Map(after.items.map((item) => [item.metadata.name, item.metadata.resourceVersion]));
    for (const { name, resourceVersion } of acknowledged) expect([name, there.get(name)]).toEqual([name, resourceVersion]);
    const versions = events.map(({ object }) => object.metadata.resourceVersion);
    expect(events.every(({ type }) => type === "ADDED")).toBe(true);
    expect(versions).toEqual([...there.values()].toSorted());
    const first = Number(metadata.resourceVersion.slice(0, -3)) + 1;
    expect(versions).toEqual(versions.map((_, i) => `${first + i}000`));
    expect(await server.end()).toBe(0);
  });

  it("a second server on a folder, a taken port, a wrong flag: one clear line, exit code 1", async () => {
    const server = await start();
    const refused = (...flags: string[]) =>
      new Promise<{ code: unknown; err: string }>((resolve) => {
        const main = path.resolve(import.meta.dirname, "../../functions/local/main.ts");
        execFile(process.execPath, [main, ...flags], (error, _, err) => resolve({ code: error?.code, err }));
      });
    const second = await refused("--port", "0", "--data", server.folder);
    expect(second.code).toBe(1);
    expect(second.err).toMatch(/^windlass: .*\n$/);
    expect(second.err).toContain(server.folder);
    const other = await mkdtemp(path.join(tmpdir(), "windlass-"));
    folders.push(other);
    const taken = await refused("--port", String(server.port), "--data", other);
    expect(taken.code).toBe(1);
    expect(taken.err).toMatch(new RegExp(`^windlass: .*${server.port}.*\n$`));
    expect((await refused("--port", "x")).err).toMatch(/^windlass: .*port.*\n$/);
  });
});
