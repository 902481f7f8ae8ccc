/**
 * Starts what suites need beside Node, once a run and only when the first test file asks (component.ts), and ends it with the
 * run. Where it can't be had, the run prints one line that says what to install; with CI=true that is a failure instead.
 */
import { once } from "node:events";
import { createServer, type ServerResponse } from "node:http";
import type { TestProject } from "vitest/node";
import type { ComponentAnswer } from "./component.ts";
import { missingTools } from "./localstack/install.ts";
import { cacheFolder, type LocalStack, startLocalStack } from "./localstack/start.ts";

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  let started: Promise<LocalStack> | undefined;
  let asked: Promise<ComponentAnswer> | undefined;
  const start = () => {
    started ??= startLocalStack();
    return started;
  };
  const server = createServer(async (_request, response) => {
    asked ??= localStack(start);
    reply(response, await asked);
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("a TCP server has a port");
  project.provide("componentsUrl", `http://127.0.0.1:${address.port}`);
  return async () => {
    server.close();
    await started?.then(
      (running) => running.stop(),
      () => undefined, // it did not start: the test file that asked has failed with the reason
    );
  };
}

async function localStack(start: () => Promise<LocalStack>): Promise<ComponentAnswer> {
  const given = process.env["AWS_ENDPOINT_URL"];
  if (given) return { kind: "there", endpoint: given };
  const missing = await missingTools(cacheFolder());
  if (missing.length === 0) {
    return start().then(
      ({ endpoint }): ComponentAnswer => ({ kind: "there", endpoint }),
      (error: Error): ComponentAnswer => ({ kind: "failed", reason: String(error.message) }),
    );
  }
  const advice = `suites on LocalStack need ${missing.join(", ")}: install that, or set AWS_ENDPOINT_URL`;
  if (process.env["CI"] === "true") return { kind: "failed", reason: advice };
  process.stdout.write(`skipped: ${advice}\n`);
  return { kind: "missing" };
}

function reply(response: ServerResponse, answer: ComponentAnswer): void {
  response.setHeader("content-type", "application/json").end(JSON.stringify(answer));
}
