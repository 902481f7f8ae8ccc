/**
 * What a new container says of others: `--network container:web`, `--pid`, `--ipc`, `--volumes-from`, `--link`. Names become the engine's
 * ids, and the node is then the one of those others, which must be one (classic Swarm's dependency filter). A network given as `node/name`
 * chooses its node, too; one given by its id gets its name.
 */
import { type Json, type JsonObject, objectOf } from "../../base/json.ts";
import type { Call } from "../call.ts";
import { DockerError } from "../errors.ts";
import { networkNamed } from "../node-parts/fleet-networks.ts";

/** Containers that one may depend on. */
const referencesMax = 100;

export type Resolved = { readonly body: JsonObject; readonly nodeName: string | undefined };

/** @throws NoSuchContainerError, AmbiguousError; DockerError 400, 409 */
export async function resolveReferences(call: Call, body: JsonObject): Promise<Resolved> {
  const places = new Set<string>();
  let left = referencesMax;
  const idOf = async (reference: string): Promise<string> => {
    left -= 1;
    if (left < 0) throw new DockerError(400, `it depends on over ${referencesMax} containers`);
    const { engineId, node } = await call.fleet.containers.find(reference);
    places.add(node.metadata.name);
    return engineId;
  };
  /** A network's name on its node; the node is remembered. */
  const bareName = async (reference: string): Promise<string> => {
    const { nodeName, name } = await networkNamed(call, reference);
    if (nodeName !== undefined) places.add(nodeName);
    return name;
  };
  const host = objectOf(body["HostConfig"]);
  const modes: Record<string, Json> = {};
  for (const name of ["NetworkMode", "PidMode", "IpcMode"]) {
    const value = host[name];
    if (typeof value !== "string") continue;
    if (value.startsWith("container:")) modes[name] = `container:${await idOf(value.slice("container:".length))}`;
    else if (name === "NetworkMode") modes[name] = await bareName(value);
  }
  const VolumesFrom = await eachOf(host["VolumesFrom"], idOf);
  const Links = await eachOf(host["Links"], idOf);
  const networking = objectOf(body["NetworkingConfig"]);
  const endpoints: [string, Json][] = [];
  for (const [name, value] of Object.entries(objectOf(networking["EndpointsConfig"])))
    endpoints.push([await bareName(name), value ?? null]);
  if (places.size > 1)
    throw new DockerError(409, `unable to find a node that satisfies its dependencies: they are on ${[...places].join(", ")}`);
  const [nodeName] = places;
  return {
    nodeName,
    body: {
      ...body,
      ...(Object.keys(host).length > 0 && {
        HostConfig: { ...host, ...modes, ...(VolumesFrom && { VolumesFrom }), ...(Links && { Links }) },
      }),
      ...(endpoints.length > 0 && { NetworkingConfig: { ...networking, EndpointsConfig: Object.fromEntries(endpoints) } }),
    },
  };
}

/** `reference` or `reference:rest`; undefined: there is no list. */
async function eachOf(value: Json | undefined, idOf: (reference: string) => Promise<string>): Promise<string[] | undefined> {
  if (!Array.isArray(value)) return undefined;
  const done: string[] = [];
  for (const one of value) {
    const [reference = "", ...rest] = String(one).split(":");
    done.push([await idOf(reference), ...rest].join(":"));
  }
  return done;
}
