/**
 * `docker pull` and `docker import`: an image brought to every node that takes containers, their progress merged. A node that fails says
 * so in its row; the whole has failed only if no node has the image then: one full disk must not stop the others.
 */
import { errorText } from "../../base/error-text.ts";
import type { ProgressRow } from "../../fleet/engine/transfers.ts";
import { NodesFailedError } from "../../fleet/fleet/errors.ts";
import { mustStream } from "../buffered.ts";
import type { Call } from "../call.ts";
import { badParameter } from "../errors.ts";
import type { DockerAnswer } from "../exchange.ts";
import { nodesOf } from "../fan-out.ts";
import { longMs, pass } from "../forward.ts";
import { anyReady } from "../nodes/any-ready.ts";
import { rows, type Send } from "../rows.ts";
import { registryAuth } from "./registry-auth.ts";

/** `POST /images/create`: by `fromImage` a pull, by `fromSrc` an import. */
export async function createImage(call: Call): Promise<DockerAnswer> {
  const image = call.query.get("fromImage") ?? "";
  if (image !== "") return await pull(call, image);
  const source = call.query.get("fromSrc") ?? "";
  if (source === "") throw badParameter("fromImage or fromSrc must be given");
  return await importImage(call, source);
}

async function pull(call: Call, image: string): Promise<DockerAnswer> {
  const { fleet, query } = call;
  const [tag = "", platform = "", nodeName] = [query.get("tag") ?? "", query.get("platform") ?? "", query.get("node")];
  const reference = tag === "" ? image : `${image}${tag.includes(":") ? "@" : ":"}${tag}`;
  const auth = registryAuth(call);
  return await rows(call, async (send, signal) => {
    const how = { ...(platform !== "" && { platform }), ...(auth && { auth }), ...(nodeName !== null && { nodes: [nodeName] }) };
    await reporting(send, () => fleet.images.pull(reference, { ...how, signal, onRow: (node, row) => send(rowOf(node, row)) }));
  });
}

/** Nodes that failed are told of; rejects when all did. */
export async function reporting(send: Send, act: () => Promise<unknown>): Promise<void> {
  try {
    await act();
  } catch (error) {
    if (!(error instanceof NodesFailedError)) throw error;
    const [first] = error.errors;
    // One node alone says it in its own words and with its own status.
    if (error.done.length === 0) throw error.errors.length === 1 && first !== undefined ? first : error;
    for (const { nodeName, cause } of error.errors) await send({ status: `${nodeName}: failed: ${errorText(cause)}` });
  }
}

/** The row under its node's name. */
export function rowOf(nodeName: string, row: ProgressRow): object {
  if (row.id !== undefined && row.id !== "") return { ...row, id: `${nodeName}:${row.id}` };
  if (row.stream !== undefined) return { ...row, stream: `${nodeName}: ${row.stream}` };
  return row.status === undefined ? row : { ...row, status: `${nodeName}: ${row.status}` };
}

/** On one node: that is where what is made of it runs, until it is pushed and pulled. */
async function importImage(call: Call, source: string): Promise<DockerAnswer> {
  const { fleet, query, request } = call;
  const { repo, tag } = namedImage(query);
  const message = query.get("message") ?? "";
  if (source === "-") mustStream(call, "import", (await nodesOf(call)).nodes);
  if (source !== "-" || repo === "") {
    return await pass(call, await anyReady(call), { path: "/images/create", timeoutMs: longMs });
  }
  const changes = query.getAll("changes");
  const nodeName = query.get("node");
  return await rows(call, async (send, signal) => {
    const how = { repo, ...(tag !== "" && { tag }), ...(message !== "" && { message }), ...(changes.length > 0 && { changes }) };
    const place = nodeName === null ? {} : { nodes: [nodeName] };
    await fleet.images.import(request.body, { ...how, ...place, signal, onRow: (_node, row) => send(row) });
  });
}

/** The CLI gives a tag within `repo`, others beside it. */
function namedImage(query: URLSearchParams): { readonly repo: string; readonly tag: string } {
  const [given, tag] = [query.get("repo") ?? "", query.get("tag") ?? ""];
  const colon = given.lastIndexOf(":");
  if (tag !== "" || colon <= given.lastIndexOf("/")) return { repo: given, tag };
  return { repo: given.slice(0, colon), tag: given.slice(colon + 1) };
}
