/**
 * What an event costs that interests one watcher, with that watcher alone and among many that watch other things: the whole
 * commit with its delivery, and the delivery alone.
 */
import assert from "node:assert";
import { deepFreeze, type JsonObject } from "../../../shared/base/json.ts";
import { nodeKind } from "../../../shared/kinds/node.ts";
import { builtinKinds, createRegistry } from "../../../shared/kinds/registry.ts";
import { taskKind } from "../../../shared/kinds/task.ts";
import type { Entry } from "../../../shared/log/ports.ts";
import { onAny, type Specifier } from "../../../shared/state/event.ts";
import { Filter } from "../../../shared/state/filter.ts";
import { Hub } from "../../../shared/state/hub.ts";
import { ObjectIndexes } from "../../../shared/state/object-indexes.ts";
import { byLabel, byName, byNode } from "../../../shared/state/selector.ts";
import type { Transaction } from "../../../shared/state/transaction.ts";
import { type CatchUp, Watch } from "../../../shared/state/watch.ts";
import { task } from "../../conformance/objects-of.ts";
import { measure, median, medianRatio, type Timed, type Timing } from "../measure.ts";
import { type Context, duration, type Group, type Row, timeBar, times, whole } from "../report.ts";
import { beginStore, byBench, first, nodeName, nodeOf, openExclusiveMemory } from "./open.ts";

const filters = ["name", "label", "node"] as const;
type FilterKind = (typeof filters)[number];
const acts = ["commit and delivery", "delivery alone"] as const;
type Act = (typeof acts)[number];

/** 3: one of each filter, for an event is looked up under every index that anybody filters by, once. */
const crowds = [1, 3, 1_000, 10_000] as const;
/** "Does not grow", and what the machine's caches make of a thousand of anything. */
const ratioMax = 1.5;

const nameOf = (act: Act, filter: FilterKind): string => `${act}, by ${filter}`;

export const watchersGroup: Group = {
  title: "an event that one watcher hears, in memory",
  workloads: acts.flatMap((act) => filters.map((filter) => nameOf(act, filter))),
  async run(wanted, context) {
    const rows: Row[] = [];
    for (const act of acts) {
      for (const filter of filters) {
        if (!wanted.has(nameOf(act, filter))) continue;
        const timed = await Promise.all(crowds.map((watchers) => makers[act](filter, watchers, context)));
        rows.push(row(act, nameOf(act, filter), await measure(timed, context)));
      }
    }
    return {
      title: this.title,
      columns: [...crowds.map((count) => `${whole(count)} watching`), "1,000 to 1", "1,000 to 3", "10,000 to 3"],
      rows,
      notes: [
        "All watchers filter otherwise, a third each by name, by label and by node. The event matches one of them, who takes it. An event is looked up once under each index that anybody filters by: so 3 watching, one by each, is what delivery alone is compared with.",
      ],
    };
  },
};

/** Watcher `index` of a mixture; number 0 filters by `chosen` and hears the event. */
function specifiersOf(index: number, chosen: FilterKind): Specifier[] {
  const filter = filters[(index + filters.indexOf(chosen)) % filters.length];
  switch (filter) {
    case "name":
      return onAny(nodeKind, byName(nodeName(index)));
    case "label":
      return onAny(nodeKind, byLabel("rack", `rack-${index}`));
    case "node":
    case undefined:
      return onAny(taskKind, byNode(nodeName(index)));
    default:
      return filter satisfies never;
  }
}

const labels = { rack: "rack-0", zone: "a" };
const sampleTask = task("task-0", { node: nodeName(0) });

/** Overwrites what watcher 0 watches. */
function change(transaction: Transaction, chosen: FilterKind, count: number): void {
  const annotations = { change: String(count) };
  if (chosen !== "node") transaction.nodes.update(nodeOf(nodeName(0), { labels, annotations }));
  else transaction.tasks.update({ ...sampleTask, metadata: { ...sampleTask.metadata, annotations } });
}

type Maker = (filter: FilterKind, watchers: number, context: Context) => Promise<Timed>;

const makers: Readonly<Record<Act, Maker>> = {
  "commit and delivery": async (chosen, watchers, { quick }) => {
    const operations = quick ? 20 : 5_000;
    const ports = openExclusiveMemory();
    const store = await beginStore(ports);
    await store.update((transaction) => {
      transaction.nodes.create(nodeOf(nodeName(0), { labels }));
      transaction.tasks.create(sampleTask);
    }, byBench);
    const hearer = await store.watch(...specifiersOf(0, chosen));
    for (let index = 1; index < watchers; index += 1) await store.watch(...specifiersOf(index, chosen));
    let count = 0;
    return {
      name: `${nameOf("commit and delivery", chosen)}, ${watchers} watchers`,
      operations,
      prepare: () => ports.log.strip(store.uid, { after: first - 1, upTo: store.revision }),
      run: async () => {
        for (let done = 0; done < operations; done += 1) {
          await store.update((transaction) => change(transaction, chosen, ++count), byBench);
          assert(hearer.take() !== undefined, "the event was delivered");
        }
      },
    };
  },

  "delivery alone": async (chosen, watchers, { quick }) => {
    const operations = quick ? 20 : 200_000;
    const registry = createRegistry(builtinKinds);
    const indexes = new Map(registry.definitions.map((definition) => [definition.plural, new ObjectIndexes(definition)]));
    const indexesOf = (plural: string): ObjectIndexes => indexes.get(plural) ?? new ObjectIndexes({ plural, indexes: {} });
    const hub = new Hub(indexesOf);
    const source: CatchUp = { revision: first, feed: async () => undefined, closed: (watch) => hub.remove(watch) };
    const live = (index: number): Watch => {
      const watch = new Watch(new Filter(specifiersOf(index, chosen), indexesOf), { revision: first, place: 999 }, source);
      hub.add(watch);
      return watch;
    };
    const hearer = live(0);
    for (let index = 1; index < watchers; index += 1) live(index);
    const entry = sampleEntry(chosen);
    return {
      name: `${nameOf("delivery alone", chosen)}, ${watchers} watchers`,
      operations,
      run: () => {
        for (let done = 0; done < operations; done += 1) {
          hub.publish(entry);
          assert(hearer.take() !== undefined, "the event was delivered");
        }
      },
    };
  },
};

function sampleEntry(chosen: FilterKind): Entry {
  const input = chosen === "node" ? sampleTask : nodeOf(nodeName(0), { labels });
  const value = { ...input, metadata: { ...input.metadata, uid: "uid-0", generation: 1 } } as unknown as JsonObject;
  const key = chosen === "node" ? `tasks/default/${sampleTask.metadata.name}` : `nodes/${nodeName(0)}`;
  const changes = [{ action: "update" as const, key, value, previous: value }];
  return deepFreeze({ revision: first + 1, id: "id", time: first, actor: "bench", changes });
}

function row(act: Act, workload: string, timings: readonly Timing[]): Row {
  const [one = [], few = [], thousand = [], tenThousand = []] = timings;
  const ratios = {
    ratio1000To1: medianRatio(thousand, one),
    ratio1000To3: medianRatio(thousand, few),
    ratio10000To3: medianRatio(tenThousand, few),
  };
  const judged = act === "delivery alone" ? ratios.ratio1000To3 : ratios.ratio1000To1;
  const against = act === "delivery alone" ? 3 : 1;
  return {
    workload,
    cells: [...timings.map((timing) => duration(median(timing))), ...Object.values(ratios).map(times)],
    figures: ratios,
    bars: [timeBar(`1,000 to ${against}: at most ${times(ratioMax)}`, judged <= ratioMax)],
  };
}
