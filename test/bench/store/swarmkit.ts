/** Swarmkit's own store benchmarks (its memory_test.go) on the memory adapter, beside what the Go original took. */
import { byName } from "../../../shared/state/selector.ts";
import type { Store } from "../../../shared/state/store.ts";
import type { Transaction } from "../../../shared/state/transaction.ts";
import { measure, median, type Timed } from "../measure.ts";
import { type Context, duration, type Group, type Row, range, timeBar } from "../report.ts";
import {
  beginStore,
  byBench,
  createNodes,
  first,
  nodeName,
  nodeOf,
  openExclusiveMemory,
  type Ports,
  transactions,
} from "./open.ts";

/** What the Go original took on this kind of machine; absent where nobody told. */
const originalUs: Readonly<Record<string, number>> = {
  create: 14,
  update: 16,
  "update, a transaction each": 37,
  get: 1.1,
  "find all": 5_100,
  "find by name": 400,
};

type Fixture = { readonly ports: Ports; readonly store: Store; readonly nodes: number; readonly context: Context };
type Maker = (fixture: Fixture) => Omit<Timed, "name">;

const makers: Readonly<Record<string, Maker>> = {
  create: ({ nodes }) => {
    let store: Store;
    return {
      operations: nodes,
      prepare: async () => {
        store = await beginStore(openExclusiveMemory());
        // All in memory, as in the original: which names are taken is known.
        await store.view((transaction) => transaction.nodes.find());
      },
      run: () => createNodes(store, nodes),
    };
  },

  update: ({ store, nodes }) => {
    let count = 0;
    return {
      operations: nodes,
      run: async () => {
        for (const { from, to } of transactions(nodes)) {
          await store.update((transaction) => {
            for (let index = from; index < to; index += 1) change(transaction, index, ++count);
          }, byBench);
        }
      },
    };
  },

  "update, a transaction each": ({ store, nodes, context }) => {
    const operations = context.quick ? 50 : 10_000;
    let count = 0;
    return {
      operations,
      run: async () => {
        for (let index = 0; index < operations; index += 1) {
          await store.update((transaction) => change(transaction, index % nodes, ++count), byBench);
        }
      },
    };
  },

  "delete, rolled back": ({ store, nodes, context }) => {
    const operations = context.quick ? 50 : 10_000;
    const rollback = new Error("roll back");
    return {
      operations,
      run: async () => {
        for (let index = 0; index < operations; index += 1) {
          const call = (transaction: Transaction) => {
            transaction.nodes.delete(nodeName(index % nodes));
            throw rollback;
          };
          await store.update(call, byBench).catch((error: unknown) => {
            if (error !== rollback) throw error;
          });
        }
      },
    };
  },

  get: ({ store, nodes, context }) => {
    const operations = context.quick ? 100 : 200_000;
    return {
      operations,
      run: async () => {
        await store.view((transaction) => {
          for (let index = 0; index < operations; index += 1) transaction.nodes.get(nodeName(index % nodes));
        });
      },
    };
  },

  "find all": ({ store, context }) => {
    const operations = context.quick ? 2 : 100;
    return {
      operations,
      run: async () => {
        await store.view((transaction) => {
          for (let count = 0; count < operations; count += 1) transaction.nodes.find();
        });
      },
    };
  },

  "find by name": ({ store, nodes, context }) => {
    const operations = context.quick ? 100 : 200_000;
    return {
      operations,
      run: async () => {
        await store.view((transaction) => {
          for (let index = 0; index < operations; index += 1) transaction.nodes.find(byName(nodeName(index % nodes)));
        });
      },
    };
  },

  "5 writers + 5 readers": ({ store, nodes, context }) => {
    const operations = context.quick ? 10 : 2_000;
    let count = 0;
    const write = async (offset: number) => {
      for (let index = 0; index < operations; index += 1) {
        await store.update((transaction) => change(transaction, (offset + index) % nodes, ++count), byBench);
      }
    };
    const read = async (offset: number) => {
      for (let index = 0; index < operations; index += 1) {
        await store.view((transaction) => transaction.nodes.get(nodeName((offset + index) % nodes)));
      }
    };
    const five = Array.from({ length: 5 }, (_, worker) => Math.floor((worker * nodes) / 5));
    return {
      operations,
      run: async () => {
        await Promise.all([...five.map(write), ...five.map(read)]);
      },
    };
  },
};

export const swarmkitGroup: Group = {
  title: "swarmkit's store workloads, in memory",
  workloads: Object.keys(makers),
  async run(wanted, context) {
    const nodes = context.quick ? 250 : 10_000;
    const ports = openExclusiveMemory();
    const store = await beginStore(ports);
    await createNodes(store, nodes);
    // The log of former rounds would only make the garbage collector's work grow.
    const forget = () => ports.log.strip(store.uid, { after: first - 1, upTo: store.revision });
    const timed = Object.entries(makers)
      .filter(([name]) => wanted.has(name))
      .map(([name, make]) => {
        const made = make({ ports, store, nodes, context });
        const prepare = async () => {
          await forget();
          await made.prepare?.();
        };
        return { ...made, name, prepare };
      });
    const timings = await measure(timed, context);
    store.close();
    return {
      title: this.title,
      columns: ["median", "all rounds", "Go original"],
      rows: timed.map(({ name }, index): Row => row(name, timings[index] ?? [])),
      notes: [
        `${nodes.toLocaleString("en-US")} nodes. create and update: 200 objects a transaction, as much as an entry takes, one after the other. get, find all, find by name: many in one view. delete: a transaction each, whose callback deletes and throws. 5 writers + 5 readers: a transaction or view each, told for one of each of the ten.`,
        "Go original: swarmkit's store on its own benchmark; find by name there goes through a prefix index. Here every commit also makes its log entry, encoded as it is stored.",
      ],
    };
  },
};

/** As in the original: the object is made anew and overwrites. */
function change(transaction: Transaction, index: number, count: number): void {
  transaction.nodes.update(nodeOf(nodeName(index), { annotations: { change: String(count) } }));
}

function row(workload: string, rounds: readonly number[]): Row {
  const us = median(rounds);
  const original = originalUs[workload];
  return {
    workload,
    cells: [duration(us), range(rounds, duration), original === undefined ? "" : duration(original)],
    figures: { medianUs: us, ...(original !== undefined && { originalUs: original }) },
    bars: original === undefined ? [] : [timeBar(`at most ${duration(original)}`, us <= original)],
  };
}
