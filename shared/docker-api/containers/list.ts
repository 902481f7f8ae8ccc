/**
 * `docker ps`: Container objects as the store has them, with no engine asked but where only engines know (sizes, volumes). One pass over
 * all objects, rows made as they are read.
 */
import { Readable } from "node:stream";
import { placeOf } from "../../fleet/fleet/lookup.ts";
import type { Container } from "../../kinds/container.ts";
import type { Node } from "../../kinds/node.ts";
import { byNode } from "../../state/selector.ts";
import type { Transaction } from "../../state/transaction.ts";
import type { Call } from "../call.ts";
import { type DockerAnswer, jsonType } from "../exchange.ts";
import { askNodes, knowledgeHeaders, oldest } from "../fan-out.ts";
import { type Filters, filtersOf } from "../filters.ts";
import { flag, integer } from "../query.ts";
import { containerFilters, engineFilters, listFilter, wantsAllStates } from "./list-filter.ts";
import { isSeen, isUp, newestFirst, rowText, type SeenContainer, type Sizes, type Viewed } from "./row.ts";

/** About 64 KB: other requests get their turn between them. */
const rowsAtOnce = 64;

type Picked = { readonly containers: readonly SeenContainer[]; readonly nodes: readonly Node[] };

export async function listContainers(call: Call): Promise<DockerAnswer> {
  const { ground, front, query } = call;
  const filters = filtersOf(query, containerFilters);
  const limit = Math.max(0, integer(query, "limit") ?? 0);
  const all = flag(query, "all") || limit > 0 || wantsAllStates(filters);
  const [held, sizes] = [await heldByEngines(call, filters), flag(query, "size") ? await sizesOf(call, all) : undefined];
  const { value, revision } = await ground.store.view((transaction): Picked => {
    const test = listFilter(filters, (reference) => placeOf(transaction, reference).container);
    const wanted = candidates(transaction, filters).filter((container): container is SeenContainer => {
      if (!isSeen(container) || !(all || isUp(container))) return false;
      return test(container) && (held === undefined || held.has(container.status.containerId));
    });
    return { containers: wanted, nodes: transaction.nodes.find() };
  });
  const ordered = newestFirst(value.containers);
  const nowMs = front.clock.now();
  return {
    status: 200,
    headers: { "content-type": jsonType, ...knowledgeHeaders({ revision, ageSeconds: oldest(value.nodes, nowMs) }) },
    body: bodyOf(limit > 0 ? ordered.slice(0, limit) : ordered, { uid: ground.store.uid, nodes: value.nodes, nowMs, sizes }),
  };
}

/** Those of the nodes that are named, without a look at all others. */
function candidates({ containers }: Transaction, filters: Filters): readonly Container[] {
  const names = new Set(filters.get("node") ?? []);
  return names.size === 0 ? containers.find() : [...names].flatMap((name) => containers.find(byNode(name)));
}

type Around = {
  readonly uid: string;
  readonly nodes: readonly Node[];
  readonly nowMs: number;
  readonly sizes: ReadonlyMap<string, Sizes> | undefined;
};

function bodyOf(containers: readonly SeenContainer[], { uid, nodes, nowMs, sizes }: Around): string | Readable {
  const byName = new Map(nodes.map((node) => [node.metadata.name, node]));
  const viewed = ({ spec, status }: SeenContainer): Viewed => ({
    uid,
    node: byName.get(spec.nodeName),
    nowMs,
    sizes: sizes?.get(status.containerId),
  });
  const text = (container: SeenContainer): string => rowText(container, viewed(container));
  if (containers.length <= rowsAtOnce) return `[${containers.map(text).join(",")}]\n`;
  return Readable.from(pieces(containers, text));
}

/** As strings: as many buffers would be memory outside of the heap, of which so much in so little time has it collected whole. */
function* pieces(containers: readonly SeenContainer[], text: (container: SeenContainer) => string): Generator<string> {
  for (let from = 0; from < containers.length; from += rowsAtOnce) {
    const rows = containers
      .slice(from, from + rowsAtOnce)
      .map(text)
      .join(",");
    const isLast = from + rowsAtOnce >= containers.length;
    yield `${from === 0 ? "[" : ","}${rows}${isLast ? "]\n" : ""}`;
  }
}

/** Ids of containers that engines found by filters that only they can judge; undefined: there are none such. */
async function heldByEngines(call: Call, filters: Filters): Promise<ReadonlySet<string> | undefined> {
  const asked = engineFilters(filters);
  if (Object.keys(asked).length === 0) return undefined;
  const options = { all: true, filters: asked };
  const { parts } = await askNodes(call, "list", (engine, engineCall) => engine.containers.list(options, engineCall));
  return new Set(parts.flatMap(({ value }) => value.map(({ Id }) => Id)));
}

async function sizesOf(call: Call, all: boolean): Promise<ReadonlyMap<string, Sizes>> {
  const options = { all, size: true };
  const { parts } = await askNodes(call, "list", (engine, engineCall) => engine.containers.list(options, engineCall), {
    timeoutMs: sizesMs,
  });
  return new Map(parts.flatMap(({ value }) => value.map((row) => [row.Id, row as Sizes])));
}

/** Engines walk through every container's files. */
const sizesMs = 120_000;
