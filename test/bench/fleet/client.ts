/**
 * One client of the front, as a process of its own: `node client.ts <Load as JSON>` sends one request after the other over one connection,
 * keeps nothing of the answers but their sizes and times, and prints a Loaded.
 */
import { once } from "node:events";
import { Agent, type IncomingMessage, request } from "node:http";
import { performance } from "node:perf_hooks";

export type Load = {
  /** `http://host:port/clusters/…/docker` */
  readonly url: string;
  readonly token: string;
  /** get: `path`, again and again; run: a container is created and started, as `docker run -d` does it. */
  readonly what: "get" | "run";
  readonly path: string;
  readonly requests: number;
  /** One before that does not count. */
  readonly isWarm: boolean;
};

/** Microseconds to the end of each answer, and the bytes of the last. */
export type Loaded = { readonly us: readonly number[]; readonly bytes: number };

type Answer = { readonly bytes: number; readonly text: string };

/** Of an answer's text: enough for an id. */
const keptBytes = 1_024;

const [, , argument = ""] = process.argv;
const load = JSON.parse(argument) as Load;
const agent = new Agent({ keepAlive: true, maxSockets: 1 });
if (load.isWarm) await onceTimed();
const us: number[] = [];
let bytes = 0;
for (let done = 0; done < load.requests; done += 1) {
  const one = await onceTimed();
  us.push(one.us);
  bytes = one.bytes;
}
process.stdout.write(JSON.stringify({ us, bytes } satisfies Loaded));
agent.destroy();

async function onceTimed(): Promise<{ readonly us: number; readonly bytes: number }> {
  const begun = performance.now();
  if (load.what === "get") {
    const { bytes } = await ask("GET", load.path);
    return { us: (performance.now() - begun) * 1_000, bytes };
  }
  const body = JSON.stringify({ Image: "busybox", Cmd: ["sh", "-c", "trap 'exit 0' TERM; sleep 3600"] });
  const created = await ask("POST", "/containers/create", body);
  const { Id } = JSON.parse(created.text) as { readonly Id: string };
  await ask("POST", `/containers/${Id}/start`);
  const us = (performance.now() - begun) * 1_000;
  await ask("DELETE", `/containers/${Id}?force=1`);
  return { us, bytes: created.bytes };
}

/** @throws when it is refused. */
async function ask(method: string, path: string, body?: string): Promise<Answer> {
  const headers = { authorization: `Bearer ${load.token}`, "content-type": "application/json" };
  const sent = request(`${load.url}${path}`, { method, headers, agent }).end(body);
  const [response] = (await once(sent, "response")) as [IncomingMessage];
  let [bytes, text] = [0, ""];
  for await (const chunk of response as AsyncIterable<Buffer>) {
    if (bytes < keptBytes) text += chunk.toString("latin1", 0, keptBytes);
    bytes += chunk.length;
  }
  const status = response.statusCode ?? 0;
  if (status >= 400) throw new Error(`${method} ${path} answered ${status}: ${text}`);
  return { bytes, text };
}
