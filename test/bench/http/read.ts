/** Reads one answer and keeps nothing of it but its size and times: what reads a list must not be what is measured. */
import { once } from "node:events";
import { type IncomingMessage, request } from "node:http";
import { performance } from "node:perf_hooks";
import type { Probed } from "./servers.ts";

export type Read = {
  readonly bytes: number;
  /** To the end of the answer. */
  readonly us: number;
  /** What a limited list says about its rest; empty: there is none. */
  readonly next: string;
};

export const nodesPath = "/apis/windlass.dev/v1/nodes";
/** As kubectl asks for what it prints. */
export const asTable = "application/json;as=Table;v=v1;g=meta.k8s.io";

/** A list begins with its metadata: so much of it is looked at. */
const headBytes = 2_048;

/** @throws when it is not answered 200. */
export async function readAnswer({ address, token }: Probed, path: string, accept = "application/json"): Promise<Read> {
  const begun = performance.now();
  const sent = request(`http://${address}${path}`, { headers: { authorization: `Bearer ${token}`, accept } }).end();
  const [response] = (await once(sent, "response")) as [IncomingMessage];
  if (response.statusCode !== 200) throw new Error(`${path} answered ${response.statusCode}`);
  let [bytes, head] = [0, ""];
  for await (const chunk of response as AsyncIterable<Buffer>) {
    if (bytes < headBytes) head += chunk.toString("latin1", 0, headBytes);
    bytes += chunk.length;
  }
  const [, next = ""] = /"continue":"([^"]*)"/.exec(head) ?? [];
  return { bytes, us: (performance.now() - begun) * 1_000, next };
}

/** The whole list in pages of `limit`. */
export async function readPages(server: Probed, limit: number): Promise<Omit<Read, "next">> {
  let [bytes, us, next] = [0, 0, ""];
  do {
    const more = next === "" ? "" : `&continue=${encodeURIComponent(next)}`;
    const page = await readAnswer(server, `${nodesPath}?limit=${limit}${more}`);
    bytes += page.bytes;
    us += page.us;
    next = page.next;
  } while (next !== "");
  return { bytes, us };
}
