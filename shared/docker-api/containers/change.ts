/** Changes of containers that the store must know of, too: names, limits, removals, images made of them. */
import type { CommitOptions } from "../../fleet/engine/containers.ts";
import { jsonBody } from "../body.ts";
import type { Call } from "../call.ts";
import { badParameter, DockerError } from "../errors.ts";
import { type DockerAnswer, json, nothing } from "../exchange.ts";
import { flag } from "../query.ts";
import { containerOf, look } from "./pass.ts";

const nameRule = /^\/?[a-zA-Z0-9][a-zA-Z0-9_.-]+$/;
/** The store's. */
const nameLengthMax = 255;

export async function renameContainer(call: Call): Promise<DockerAnswer> {
  const { fleet, params, query, signal } = call;
  const name = checkedName(query.get("name") ?? "");
  if (name === undefined) throw badParameter("Neither old nor new names may be empty");
  const found = await containerOf(call);
  await fleet.containers.rename(params["id"] ?? "", name, { signal });
  await look(call, found);
  return nothing();
}

/** Limits and restart policy. */
export async function updateContainer(call: Call): Promise<DockerAnswer> {
  const { fleet, params, request, signal } = call;
  const body = await jsonBody(request);
  const found = await containerOf(call);
  const answer = await fleet.containers.update(params["id"] ?? "", body, { signal });
  await look(call, found);
  return json(answer);
}

/** Also one that its node has no more. */
export async function removeContainer(call: Call): Promise<DockerAnswer> {
  const { fleet, params, query, signal } = call;
  // Engines remove a link only; whoever asks for that must not lose the container.
  if (flag(query, "link")) throw new DockerError(501, "links are not removed here: they go with their containers");
  const options = { force: flag(query, "force"), volumes: flag(query, "v") };
  await fleet.containers.remove(params["id"] ?? "", options, { signal });
  return nothing();
}

export async function commitContainer(call: Call): Promise<DockerAnswer> {
  const { fleet, query, request, signal } = call;
  const container = query.get("container") ?? "";
  if (container === "") throw badParameter("a container must be named");
  const config = await jsonBody(request);
  const text = (name: "repo" | "tag" | "comment" | "author"): Partial<Record<typeof name, string>> => {
    const value = query.get(name);
    return value === null || value === "" ? {} : { [name]: value };
  };
  const changes = query.getAll("changes").join("\n");
  const options: CommitOptions = {
    ...text("repo"),
    ...text("tag"),
    ...text("comment"),
    ...text("author"),
    pause: flag(query, "pause", true),
    ...(changes !== "" && { changes }),
    ...(Object.keys(config).length > 0 && { config }),
  };
  return json(await fleet.containers.commit(container, options, { signal }), { status: 201 });
}

/** A name that people give, without its slash; undefined: they gave none. @throws DockerError 400 */
export function checkedName(given: string): string | undefined {
  if (given === "") return undefined;
  if (!nameRule.test(given) || given.length > nameLengthMax) {
    throw badParameter(`Invalid container name (${given.slice(0, 300)}), only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed`);
  }
  return given.replace(/^\//, "");
}
