/** `docker system df`: what engines say, side by side, each row with its node. */
import { type Json, type JsonObject, objectOf } from "../../base/json.ts";
import type { Node } from "../../kinds/node.ts";
import { askRaw } from "../ask-raw.ts";
import type { Call } from "../call.ts";
import { shownName } from "../containers/row.ts";
import { type DockerAnswer, json } from "../exchange.ts";
import { gatheredHeaders, mustHaveSome } from "../fan-out.ts";
import { shownAs } from "../node-parts/named.ts";
import { nodeRow } from "../nodes/node-row.ts";
import { listOf } from "../raw-json.ts";

export async function diskUsage(call: Call): Promise<DockerAnswer> {
  const usage = await askRaw(call, { path: "/system/df" });
  mustHaveSome(usage);
  const names = await namesById(call);
  const rows = (field: string, change: (row: JsonObject, node: Node) => JsonObject): Json[] =>
    usage.parts.flatMap(({ node, value }) =>
      listOf(value, field).map((row) => ({ ...change(objectOf(row), node), Node: nodeRow(node) })),
    );
  const sum = (field: string): number => usage.parts.reduce((total, { value }) => total + Number(objectOf(value)[field] ?? 0), 0);
  const answer = {
    LayersSize: sum("LayersSize"),
    Images: rows("Images", (row) => row),
    Containers: rows("Containers", (row, node) => ({ ...row, Names: [names.get(String(row["Id"])) ?? ownName(row, node)] })),
    Volumes: rows("Volumes", (row, node) => ({ ...row, Name: shownAs(node, String(row["Name"])) })),
    BuildCache: rows("BuildCache", (row) => row),
    BuilderSize: sum("BuilderSize"),
  };
  return json(answer, { headers: gatheredHeaders(usage) });
}

async function namesById({ ground }: Call): Promise<ReadonlyMap<string, string>> {
  const { value } = await ground.store.view(({ containers }) => containers.find());
  return new Map(value.map((container) => [container.status?.containerId ?? "", shownName(container)]));
}

function ownName(row: JsonObject, node: Node): string {
  const [name = ""] = Array.isArray(row["Names"]) ? row["Names"] : [];
  return `/${node.metadata.name}${String(name)}`;
}
