/** Names of images, given and taken on all nodes. */
import type { Call } from "../call.ts";
import { badParameter } from "../errors.ts";
import { type DockerAnswer, json, nothing } from "../exchange.ts";
import { askNodes, knowledgeHeaders } from "../fan-out.ts";
import { flag } from "../query.ts";

/** On every node that has it. */
export async function tagImage(call: Call): Promise<DockerAnswer> {
  const { fleet, params, query, signal } = call;
  const [name = "", repo, tag = ""] = [params["name"], query.get("repo") ?? "", query.get("tag") ?? ""];
  if (repo === "") throw badParameter("repo must be given");
  const given = { repo, ...(tag !== "" && { tag }) };
  await fleet.images.tag(name, given, { signal });
  const { errors } = await askNodes(call, "tag", (engine, engineCall) => engine.images.tag(name, given, engineCall));
  if (errors[0] !== undefined) throw errors[0];
  return nothing(201);
}

/** From every node; those that could not be reached are named in a header, and may have it still. */
export async function removeImage(call: Call): Promise<DockerAnswer> {
  const { fleet, ground, params, query, signal } = call;
  const options = { force: flag(query, "force"), noPrune: flag(query, "noprune"), signal };
  const { removed, unreached } = await fleet.images.remove(params["name"] ?? "", options);
  const texts = new Set(removed.flatMap(({ rows }) => rows.map((row) => JSON.stringify(row))));
  const missing = unreached.map(({ nodeName }) => nodeName);
  const { revision } = ground.store;
  return json(
    [...texts].map((text) => JSON.parse(text) as object),
    { headers: knowledgeHeaders({ revision, ageSeconds: 0 }, missing) },
  );
}
