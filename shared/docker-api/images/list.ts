/** `docker images`, and one image's details: what engines have, images of one id together, each with the nodes that have it. */
import type { ImageSummary } from "../../fleet/engine/images.ts";
import type { Node } from "../../kinds/node.ts";
import type { Call } from "../call.ts";
import { type DockerAnswer, json } from "../exchange.ts";
import { askNodes, gatheredHeaders, mustHaveSome } from "../fan-out.ts";
import { filtersOf, filtersQuery } from "../filters.ts";
import { answerOf, forward, pass } from "../forward.ts";
import { nodeDetails, nodeRow } from "../nodes/node-row.ts";
import { flag } from "../query.ts";
import { rawObject } from "../raw-json.ts";
import { referencePath } from "./reference-path.ts";

type Row = { readonly image: ImageSummary; readonly nodes: Node[] };

export async function listImages(call: Call): Promise<DockerAnswer> {
  const filters = filtersOf(call.query);
  const options = { all: flag(call.query, "all"), filters: filtersQuery(filters, ["node"]) };
  const list = await askNodes(call, "images", (engine, engineCall) => engine.images.list(options, engineCall), {
    only: filters.get("node"),
  });
  mustHaveSome(list);
  const byId = new Map<string, Row>();
  for (const { node, value } of list.parts) {
    for (const image of value) {
      const there = byId.get(image.Id);
      byId.set(
        image.Id,
        there === undefined ? { image, nodes: [node] } : { image: merged(there.image, image), nodes: [...there.nodes, node] },
      );
    }
  }
  const images = [...byId.values()].sort((one, other) => other.image.Created - one.image.Created).map(shown);
  return json(images, { headers: gatheredHeaders(list) });
}

/** From a node that has it, the one where it was last if that can be. */
export async function inspectImage(call: Call): Promise<DockerAnswer> {
  const found = await holderOf(call);
  const raw = await forward(call, found, { path: `/images/${referencePath(found.reference)}/json` });
  if (raw.status !== 200) return answerOf(raw);
  return json({ ...(await rawObject(raw)), Node: nodeDetails(found.node) });
}

export async function imageHistory(call: Call): Promise<DockerAnswer> {
  const found = await holderOf(call);
  return await pass(call, found, { path: `/images/${referencePath(found.reference)}/history` });
}

async function holderOf(call: Call) {
  const reference = call.params["name"] ?? "";
  const { node } = await call.fleet.images.inspect(reference, { signal: call.signal });
  return { node, engine: await call.ground.engines.of(node), reference };
}

const merged = (one: ImageSummary, other: ImageSummary): ImageSummary => ({
  ...one,
  RepoTags: union(one.RepoTags, other.RepoTags),
  RepoDigests: union(one.RepoDigests, other.RepoDigests),
});

const union = (one: readonly string[] | null | undefined, other: readonly string[] | null | undefined): readonly string[] => [
  ...new Set([...(one ?? []), ...(other ?? [])]),
];

function shown({ image, nodes }: Row) {
  const [first] = nodes;
  return { ...image, ...(first && { Node: nodeRow(first) }), Nodes: nodes.map(({ metadata }) => metadata.name) };
}
