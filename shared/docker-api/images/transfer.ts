/** Images that are loaded, saved, pushed and built: streams of a tar one way, of rows the other. */

import { isJsonObject, type JsonObject } from "../../base/json.ts";
import { mustStream } from "../buffered.ts";
import type { Call } from "../call.ts";
import { badParameter } from "../errors.ts";
import type { DockerAnswer } from "../exchange.ts";
import { nodesOf } from "../fan-out.ts";
import { activeNodes, homeKey, homeOf } from "../node-parts/named.ts";
import { rows } from "../rows.ts";
import { passToBuilder } from "./buildkit.ts";
import { reporting, rowOf } from "./pull.ts";
import { registryAuth, registryConfig } from "./registry-auth.ts";

/** To every node that takes containers, one stream for all. */
export async function loadImages(call: Call): Promise<DockerAnswer> {
  mustStream(call, "load", (await nodesOf(call)).nodes);
  const { fleet, query, request } = call;
  const nodeName = query.get("node");
  return await rows(call, async (send, signal) => {
    const place = nodeName === null ? {} : { nodes: [nodeName] };
    const how = { ...place, signal, onRow: (node: string, row: Parameters<typeof rowOf>[1]) => send(rowOf(node, row)) };
    await reporting(send, () => fleet.images.load(request.body, how));
  });
}

/** `/images/{name}/get` and `/images/get?names=`: from a node that has them all. */
export async function saveImages(call: Call): Promise<DockerAnswer> {
  mustStream(call, "save", (await nodesOf(call)).nodes);
  const { name } = call.params;
  const names = name === undefined ? call.query.getAll("names").flatMap((one) => one.split(",")) : [name];
  if (names.length === 0) throw badParameter("names must be given");
  const tar = await call.fleet.images.save(names, { signal: call.signal });
  return { status: 200, headers: { "content-type": "application/x-tar" }, body: tar };
}

/** From a node that has it. */
export async function pushImage(call: Call): Promise<DockerAnswer> {
  const { fleet, params, query } = call;
  const [name = "", tag = ""] = [params["name"], query.get("tag") ?? ""];
  const auth = registryAuth(call);
  return await rows(call, async (send, signal) => {
    const how = { ...(auth && { auth }), signal, onRow: (_node: string, row: object) => send(row) };
    await fleet.images.push(tag === "" ? name : `${name}:${tag}`, how);
  });
}

/** On one node, which `node`, or the build argument `constraint:node==NAME` of classic Swarm, may name; for a Compose project at its home. */
export async function buildImage(call: Call): Promise<DockerAnswer> {
  mustStream(call, "build", (await nodesOf(call)).nodes);
  const { fleet, request, query } = call;
  if (query.get("version") === "2") return await passToBuilder("/build")(call);
  const { nodeName = await projectHome(call), passed } = placedBuild(query);
  const auths = registryConfig(call);
  return await rows(call, async (send, signal) => {
    const place = nodeName === undefined ? {} : { nodes: [nodeName] };
    const how = { query: passed, ...place, ...(auths && { auths }), signal };
    await fleet.images.build(request.body, { ...how, onRow: (_node, row) => send(row) });
  });
}

/** What a project builds is where its containers will be. */
async function projectHome(call: Call): Promise<string | undefined> {
  const key = homeKey(jsonOf(call.query.get("labels"), "labels"), "");
  return key === "" ? undefined : homeOf(key, await activeNodes(call))?.metadata.name;
}

const constraintArgument = "constraint:node";

function placedBuild(query: URLSearchParams): {
  readonly nodeName: string | undefined;
  readonly passed: Readonly<Record<string, string | readonly string[]>>;
} {
  const passed: Record<string, string | readonly string[]> = {};
  for (const name of new Set(query.keys())) {
    const values = query.getAll(name);
    if (name !== "node") passed[name] = values.length === 1 ? (values[0] ?? "") : values;
  }
  const given = jsonOf(query.get("buildargs"), "build args");
  const constraint = given[constraintArgument];
  if (typeof constraint !== "string") return { nodeName: query.get("node") ?? undefined, passed };
  const { [constraintArgument]: _, ...others } = given;
  return { nodeName: constraint.replace(/^=/, ""), passed: { ...passed, buildargs: JSON.stringify(others) } };
}

/** @throws DockerError 400 */
function jsonOf(text: string | null, what: string): JsonObject {
  if (text === null || text === "") return {};
  try {
    const value: unknown = JSON.parse(text);
    if (isJsonObject(value)) return value;
  } catch {
    // Not JSON: refused below.
  }
  throw badParameter(`error reading ${what}: they are no JSON object`);
}
