/**
 * Networks that people make, and the names that containers find each other by in them. On its engine a container is called by its attempt,
 * so the name that people know it by is one of its aliases.
 */
import { type JsonObject, objectOf } from "../../base/json.ts";
import type { ContainerCreate } from "../engine/containers.ts";

/** Of the engine itself, on every node: there nothing is found by name. */
const predefined = new Set(["bridge", "host", "none", "default", "nat", "docker_gwbridge", "ingress"]);

/** Whether people have made it, or Windlass has; `container:web` is none. */
export const isOwnNetwork = (name: string): boolean => name !== "" && !predefined.has(name) && !name.includes(":");

/** The body with `name` as an alias in all of its own networks. */
export function withAlias(body: ContainerCreate, name: string): ContainerCreate {
  const mode = objectOf(body["HostConfig"])["NetworkMode"];
  const networking = objectOf(body["NetworkingConfig"]);
  const endpoints = objectOf(networking["EndpointsConfig"]);
  const own = new Set([...(typeof mode === "string" ? [mode] : []), ...Object.keys(endpoints)].filter(isOwnNetwork));
  if (own.size === 0) return body;
  const named = Object.fromEntries([...own].map((network) => [network, endpointWithAlias(objectOf(endpoints[network]), name)]));
  return { ...body, NetworkingConfig: { ...networking, EndpointsConfig: { ...endpoints, ...named } } };
}

export function endpointWithAlias(endpoint: JsonObject, name: string): JsonObject {
  const { Aliases } = endpoint;
  const given = Array.isArray(Aliases) ? Aliases : [];
  return given.includes(name) ? endpoint : { ...endpoint, Aliases: [...given, name] };
}
