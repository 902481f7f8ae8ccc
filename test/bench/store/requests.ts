/**
 * What the store asks of DynamoDB: requests and capacity units of single operations, which are facts, beside the time they take
 * on LocalStack, which says little of DynamoDB. Units are computed from item sizes and held against what the server says.
 */
import assert from "node:assert";
import { performance } from "node:perf_hooks";
import { type Clock, systemClock } from "../../../shared/base/clock.ts";
import { closeClients, type DynamoClients, openClients } from "../../../shared/log/dynamodb/clients.ts";
import { DynamoLog } from "../../../shared/log/dynamodb/log.ts";
import { DynamoObjects } from "../../../shared/log/dynamodb/objects.ts";
import { Publisher } from "../../../shared/state/publisher.ts";
import type { Store } from "../../../shared/state/store.ts";
import { createTables, localConfig } from "../../localstack/tables.ts";
import { type Cost, DynamoMeter, totalCost } from "../dynamodb-units.ts";
import { median } from "../measure.ts";
import { type Bar, duration, factBar, type Group, type Row, whole } from "../report.ts";
import { beginStore, byBench, createNodes, nodeName, nodeOf, openStore, type Ports } from "./open.ts";

/** One time: what is there before it, and what is measured. */
type Operation = {
  readonly prepare?: () => Promise<unknown>;
  readonly run: () => Promise<unknown>;
  /** Bars of what it cost, once it is known. */
  readonly bars: (measured: Measured) => readonly Bar[] | Promise<readonly Bar[]>;
};
type Measured = {
  /** The dearest of all repetitions. */
  readonly cost: Cost;
  readonly byOperation: Readonly<Record<string, Cost>>;
  readonly us: readonly number[];
};

type World = {
  readonly ports: Ports;
  /** Warm stores of a cluster of 10 nodes and of one of 1,000, whose rows are applied. */
  readonly small: Store;
  readonly large: Store;
};

const smallNodes = 10;
const largeNodes = 1_000;
const lagEntries = 100;
const oneKilobyte = 1_024;
/** The item's keys and names beside the entry: 1 + 36, 1 + 8, 1. */
const itemOverheadBytes = 47;

/** For requests alone: the applied marker, read again every 5 s or 500 revisions, is left to its own row. */
const standing: Clock = { now: systemClock.now, monotonic: () => 0, sleep: systemClock.sleep };

const commitBar = factBar.bind(undefined, "1 request, 1 write unit");
const readBar = factBar.bind(undefined, "1 request, 1 read unit");

let counter = 0;
const annotations = () => ({ change: String(++counter) });

const makers: Readonly<Record<string, (world: World) => Operation>> = {
  "commit, 1 object": ({ ports, large }) => commitOf(ports, large, 1),
  "commit, 3 objects": ({ ports, large }) => commitOf(ports, large, 3),
  "commit, 10 objects": ({ ports, large }) => commitOf(ports, large, 10),
  "commit, 200 objects": ({ ports, large }) => commitOf(ports, large, 200),
  "commit, 1 object in a cluster of 10": ({ ports, small }) => commitOf(ports, small, 1),

  "get, warm": ({ large }) => ({
    run: () => getOne(large),
    bars: ({ cost }) => [readBar(isCost(cost, { requests: 1, readUnits: 1, writeUnits: 0 }))],
  }),
  "list of 1,000, warm": ({ large }) => ({
    run: () => listAll(large),
    bars: ({ cost }) => [readBar(isCost(cost, { requests: 1, readUnits: 1, writeUnits: 0 }))],
  }),
  "list of 1,000, warm, after 10 foreign commits": ({ ports, large }) => {
    const other = openStore(ports, large.uid, standing);
    return {
      prepare: async () => {
        for (let index = 0; index < 10; index += 1) await updateOne(other, index);
      },
      run: () => listAll(large),
      bars: ({ cost }) => [factBar("1 request", cost.requests === 1)],
    };
  },
  "get, cold": ({ ports, large }) => coldGet(ports, large),
  "get, cold, in a cluster of 10": ({ ports, small }) => coldGet(ports, small),
  "get, cold, 100 entries not applied yet": ({ ports, small }) => ({
    prepare: () => lagBehind(publisherOn(ports), small),
    run: () => getOne(openStore(ports, small.uid, standing)),
    bars: () => [],
  }),
  "list of 1,000, cold": ({ ports, large }) => ({
    prepare: () => publisherOn(ports).run(large.uid),
    run: () => listAll(openStore(ports, large.uid, standing)),
    bars: () => [],
  }),

  "commit, a foreign one ahead": ({ ports, large }) => {
    const other = openStore(ports, large.uid, standing);
    return {
      prepare: async () => {
        await large.view(({ nodes }) => nodes.get(nodeName(1)));
        await updateOne(other, 0);
      },
      run: () => updateOne(large, 1),
      bars: ({ cost }) => [factBar("1 put lost, 1 put won, no read", isCost(cost, { requests: 2, readUnits: 0, writeUnits: 2 }))],
    };
  },

  "create of 200 objects, cold": ({ ports, small }) => {
    let store = small;
    return {
      prepare: async () => {
        store = await beginStore(ports, standing);
      },
      run: () => createNodes(store, 200),
      // The markers, the log's end, a put; and whether each name is free.
      bars: ({ cost }) => [factBar("3 requests and 1 a name", cost.requests === 203)],
    };
  },

  "the applied marker, every 500 revisions or 5 s": ({ ports, small }) => ({
    run: () => ports.objects.markers(small.uid),
    bars: ({ cost }) => [readBar(isCost(cost, { requests: 1, readUnits: 1, writeUnits: 0 }))],
  }),

  "publisher: 100 entries on the same 10 keys": ({ ports, small }) => {
    const publisher = publisherOn(ports);
    return {
      prepare: () => lagBehind(publisher, small),
      run: () => publisher.run(small.uid),
      bars: ({ byOperation }) => [factBar("10 rows put", byOperation["PutItem"]?.requests === smallNodes)],
    };
  },
};

export const requestsGroup: Group = {
  title: "requests and capacity units, DynamoDB",
  workloads: Object.keys(makers),
  async run(wanted, context) {
    const answer = await context.localStack();
    if ("missing" in answer) return { title: this.title, skipped: answer.missing };
    const repetitions = context.quick ? 1 : 20;
    const clients = openClients(localConfig(answer.endpoint));
    const tables = await createTables(answer.endpoint);
    const meter = new DynamoMeter();
    for (const client of [clients.single, clients.retrying]) meter.attach(client);
    try {
      const world = await fill(portsOn(clients, tables.names));
      const rows: Row[] = [];
      for (const [name, make] of Object.entries(makers)) {
        if (!wanted.has(name)) continue;
        context.progress(name, `${repetitions} times`);
        rows.push(await row(name, make(world), { meter, repetitions }));
      }
      for (const store of [world.small, world.large]) store.close();
      return {
        title: this.title,
        columns: ["requests", "read units", "write units", "of which", "LocalStack, median"],
        rows: [...rows, agreement(meter)],
        notes: [
          "A cluster of 1,000 nodes where none is named. Commits update nodes; what they cost depends on their entry's stored bytes alone. Units by AWS's rules from the sizes of items, held against ReturnConsumedCapacity where DynamoDB Local gives it. Times are LocalStack's, not DynamoDB's.",
        ],
      };
    } finally {
      await tables.drop();
      closeClients(clients);
    }
  },
};

function portsOn(clients: DynamoClients, names: { readonly log: string; readonly objects: string }): Ports {
  return {
    log: new DynamoLog({ clients, table: names.log, clock: systemClock }),
    objects: new DynamoObjects({ clients, table: names.objects, clock: systemClock }),
  };
}

const publisherOn = ({ log, objects }: Ports): Publisher =>
  new Publisher({ log, objects, clock: systemClock, sink: { publish: async () => undefined } });

async function fill(ports: Ports): Promise<World> {
  const open = async (nodes: number): Promise<Store> => {
    const store = await beginStore(ports, standing);
    await listAll(store);
    await createNodes(store, nodes);
    await publisherOn(ports).run(store.uid);
    return store;
  };
  return { ports, small: await open(smallNodes), large: await open(largeNodes) };
}

/** An update of so many nodes, the smallest that there is; one write unit a kilobyte of what is stored, and no more. */
function commitOf({ log }: Ports, store: Store, objects: number): Operation {
  let revision = 0;
  return {
    run: async () => {
      const answer = await store.update(({ nodes }) => {
        for (let index = 0; index < objects; index += 1) nodes.update(nodeOf(nodeName(index), { annotations: annotations() }));
      }, byBench);
      revision = answer.revision;
    },
    bars: async ({ cost }) => {
      const tail = await log.read(store.uid, { after: revision - 1, limit: 1, consistent: true });
      assert(tail.kind === "entries" && tail.entries[0] !== undefined, "what was committed can be read");
      const bytes = tail.entries[0].bytes.length + itemOverheadBytes;
      if (bytes <= oneKilobyte) return [commitBar(isCost(cost, { requests: 1, readUnits: 0, writeUnits: 1 }))];
      // Annotations differ in length by a digit or two.
      const units = [bytes - 16, bytes + 16].map((size) => Math.ceil(size / oneKilobyte));
      const isMet = cost.requests === 1 && cost.readUnits === 0 && units.includes(cost.writeUnits);
      return [factBar(`1 request, 1 write unit a KB of its ${whole(bytes)} bytes`, isMet)];
    },
  };
}

const updateOne = (store: Store, index: number): Promise<unknown> =>
  store.update(({ nodes }) => nodes.update(nodeOf(nodeName(index), { annotations: annotations() })), byBench);

/** Leaves so many entries on the same ten nodes to be applied. */
async function lagBehind(publisher: Publisher, store: Store): Promise<void> {
  await publisher.run(store.uid);
  for (let index = 0; index < lagEntries; index += 1) await updateOne(store, index % smallNodes);
}

/** The same in every cluster, where the publisher keeps up. */
function coldGet(ports: Ports, { uid }: Store): Operation {
  return {
    prepare: () => publisherOn(ports).run(uid),
    run: () => getOne(openStore(ports, uid, standing)),
    bars: ({ cost }) => [factBar("3 requests, 3 read units", isCost(cost, { requests: 3, readUnits: 3, writeUnits: 0 }))],
  };
}

const getOne = (store: Store): Promise<unknown> => store.view(({ nodes }) => nodes.get(nodeName(7)));

const listAll = (store: Store): Promise<unknown> => store.view(({ nodes }) => nodes.find());

const isCost = (cost: Cost, wanted: Cost): boolean =>
  cost.requests === wanted.requests && cost.readUnits === wanted.readUnits && cost.writeUnits === wanted.writeUnits;

type RowOptions = { readonly meter: DynamoMeter; readonly repetitions: number };

async function row(workload: string, operation: Operation, options: RowOptions): Promise<Row> {
  const measured = await repeat(operation, options);
  const { cost, byOperation, us } = measured;
  const parts = Object.entries(byOperation).map(([name, { requests }]) => `${requests} ${name}`);
  return {
    workload,
    cells: [String(cost.requests), String(cost.readUnits), String(cost.writeUnits), parts.join(", "), duration(median(us))],
    figures: { ...cost, medianUs: median(us) },
    bars: await operation.bars(measured),
  };
}

async function repeat({ prepare, run }: Operation, { meter, repetitions }: RowOptions): Promise<Measured> {
  const us: number[] = [];
  let dearest: Readonly<Record<string, Cost>> = {};
  for (let done = 0; done < repetitions; done += 1) {
    await prepare?.();
    meter.take();
    const begun = performance.now();
    await run();
    us.push((performance.now() - begun) * 1_000);
    const costs = meter.take();
    if (weight(costs) > weight(dearest)) dearest = costs;
  }
  return { cost: totalCost(dearest), byOperation: dearest, us };
}

function weight(costs: Readonly<Record<string, Cost>>): number {
  const { requests, readUnits, writeUnits } = totalCost(costs);
  return requests + readUnits + writeUnits;
}

/** Whether the server's own figures are ours. */
function agreement({ differences }: DynamoMeter): Row {
  const [first = "none"] = differences;
  return {
    workload: "differences from the server's figures",
    cells: ["", "", "", first, ""],
    figures: { differences: differences.length },
    bars: [factBar("none", differences.length === 0)],
  };
}
