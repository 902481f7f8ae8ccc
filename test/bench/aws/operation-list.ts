/**
 * The operations that the bench counts, on a deployment of three clusters: how each is made ready, and what it may ask for. Facts: a request
 * more than these is a change that somebody must have meant.
 */
import assert from "node:assert";
import { type Clock, systemClock } from "../../../shared/base/clock.ts";
import { Publisher } from "../../../shared/state/publisher.ts";
import type { Store } from "../../../shared/state/store.ts";
import { Stripper } from "../../../shared/state/stripper.ts";
import type { TableNames } from "../../localstack/tables.ts";
import { type Bar, factBar } from "../report.ts";
import { beginStore, byBench, createNodes, nodeName, nodeOf } from "../store/open.ts";
import type { Usage } from "./bill.ts";
import { type Deployment, expectStatus } from "./deployment.ts";

const base = "/apis/windlass.dev/v1";
const inHundred = `/clusters/hundred${base}/nodes`;
const inLarge = `/clusters/large${base}/nodes`;
const pageObjects = 500;
const hundred = 100;
export const largeNodes = 10_000;
/** Shows that pages follow each other. */
export const largeNodesQuick = 600;
const minuteMs = 60_000;
/** How much faster the clock of a quick watch goes. */
const quickSpeed = 30;
const strippedEntries = 100;

export type World = {
  readonly deployment: Deployment;
  readonly endpoint: string;
  readonly names: TableNames;
  readonly large: number;
  readonly quick: boolean;
};
export type Operation = {
  /** Not counted. */
  readonly prepare?: () => Promise<unknown>;
  readonly run: () => Promise<unknown>;
  /** How many operations one run is. */
  readonly count?: number;
  /** Counted, and closed, instead of the one that all share; it runs once. */
  readonly on?: Deployment;
  readonly bars: (usage: Usage) => readonly Bar[];
};

let made = 0;

export const operations: Readonly<Record<string, (world: World) => Operation>> = {
  "create, to its event": ({ deployment }) => {
    const body = () => ({ ...nodeOf(`made-${++made}`), spec: { address: "tcp://10.0.0.1:2375" } });
    return {
      run: async () => {
        await expectStatus(deployment, { method: "POST", path: `${base}/nodes`, body: body() }, 201);
        await deployment.publish();
      },
      bars: (usage) => [writeBar(usage)],
    };
  },
  "update, to its event": ({ deployment }) => ({
    run: async () => {
      const body = { metadata: { annotations: { change: String(++made) } } };
      await expectStatus(deployment, { method: "PATCH", path: `${inHundred}/${nodeName(7)}`, body }, 200);
      await deployment.publish();
    },
    bars: (usage) => [writeBar(usage)],
  }),
  "strip of one entry, after a week": ({ deployment }) => strip(deployment),
  "get, warm": ({ deployment }) => ({
    run: () => expectStatus(deployment, { path: `${inHundred}/${nodeName(7)}` }, 200),
    bars: ({ requests, readUnits }) => [factBar("1 request, 1 read unit", requests === 1 && readUnits === 1)],
  }),
  "get, cold start": ({ deployment }) => ({
    prepare: async () => deployment.coldStart(),
    run: () => expectStatus(deployment, { path: `${inHundred}/${nodeName(7)}` }, 200),
    bars: ({ requests, writeUnits }) => [factBar("at most 11 requests", requests <= 11 && writeUnits === 0)],
  }),
  "list of 100, warm": ({ deployment }) => ({
    prepare: () => listAll(deployment, inHundred, hundred),
    run: () => listAll(deployment, inHundred, hundred),
    bars: ({ requests, readUnits }) => [factBar("1 request, 1 read unit", requests === 1 && readUnits === 1)],
  }),
  "list of 10,000 in pages of 500, warm": ({ deployment, large }) => ({
    prepare: () => listAll(deployment, inLarge, large),
    run: () => listAll(deployment, inLarge, large),
    bars: ({ requests, apiRequests }) => [factBar("1 request a page", requests <= apiRequests)],
  }),
  "list of 10,000 in pages of 500, cold start": ({ deployment, large }) => ({
    prepare: async () => deployment.coldStart(),
    run: () => listAll(deployment, inLarge, large),
    bars: () => [],
  }),
  "watch held for a minute, quiet": (world) => watch(world),
  "heartbeat of a node: its lease renewed": ({ deployment }) => heartbeat(deployment),
};

/**
 * Written: the entry, its row and two markers; an event of the change and one of the commit, of which the first wakes the fleet. Read: the
 * markers and the log, by the publisher; the API knows the row, or that the name is free, from before.
 */
const writeBar = ({ requests, writeUnits, events, queueRequests }: Usage): Bar =>
  factBar(
    "6 requests, 4 write units, 2 events, 1 wake-up",
    requests === 6 && writeUnits === 4 && events === 2 && queueRequests === 1,
  );

/** Clusters `hundred` and `large`, with all rows applied. */
export async function fill(deployment: Deployment, large: number): Promise<void> {
  await deployment.install();
  for (const [name, count] of [
    ["hundred", hundred],
    ["large", large],
  ] as const) {
    await expectStatus(
      deployment,
      { method: "POST", path: `${base}/clusters`, body: { apiVersion: "windlass.dev/v1", kind: "Cluster", metadata: { name } } },
      201,
    );
    await deployment.publish();
    const store = await storeOf(deployment, name);
    await createNodes(store, count);
    await deployment.publish();
  }
  // So that every table that is asked for is there, and the token known.
  for (const path of [inHundred, `${base}/nodes`]) await expectStatus(deployment, { path }, 200);
}

async function storeOf(deployment: Deployment, name: string): Promise<Store> {
  const { clusters } = await deployment.workshop();
  const store = await clusters.resolve(name);
  assert(store !== undefined, "it was made just now");
  return store;
}

async function listAll(deployment: Deployment, path: string, count: number): Promise<void> {
  let seen = 0;
  let next = "";
  do {
    const body = await expectStatus(
      deployment,
      { path: `${path}?limit=${pageObjects}${next && `&continue=${encodeURIComponent(next)}`}` },
      200,
    );
    const { items, metadata } = body as { readonly items: readonly unknown[]; readonly metadata: { readonly continue?: string } };
    seen += items.length;
    next = metadata.continue ?? "";
  } while (next !== "");
  assert(seen === count, `${seen} of ${count} objects came`);
}

/** A hundred at a time, of a life of its own; told for one of them. */
function strip({ ports }: Deployment): Operation {
  let uid = "";
  return {
    count: strippedEntries,
    prepare: async () => {
      const store = await beginStore(ports);
      await createNodes(store, 1);
      for (let done = 1; done < strippedEntries; done += 1) {
        await store.update(({ nodes }) => nodes.update(nodeOf(nodeName(0), { annotations: { change: String(done) } })), byBench);
      }
      await new Publisher({ ...ports, clock: systemClock, sink: { publish: async () => undefined } }).run(store.uid);
      store.close();
      ({ uid } = store);
    },
    run: async () => {
      const count = await new Stripper(ports).run(uid, { before: Number.MAX_SAFE_INTEGER, steps: 1 });
      assert(count === strippedEntries, `${count} of ${strippedEntries} entries were stripped`);
    },
    bars: ({ requests, writeUnits }) => [
      factBar("7 requests and 101 write units a hundred", requests <= 0.07 && writeUnits <= 1.01),
    ],
  };
}

/** In a deployment of its own, by a faster clock where it must be quick. */
function watch({ endpoint, names, quick, deployment }: World): Operation {
  const on = deployment.beside(endpoint, names, quick ? quicker(quickSpeed) : systemClock);
  let resourceVersion = "";
  return {
    on,
    prepare: async () => {
      const { metadata } = await expectStatus(on, { path: inHundred }, 200);
      ({ resourceVersion } = metadata as { readonly resourceVersion: string });
    },
    run: async () => {
      const query = `watch=1&timeoutSeconds=60&allowWatchBookmarks=true&resourceVersion=${resourceVersion}`;
      await on.watch(`${inHundred}?${query}`, minuteMs);
      await on.close();
    },
    bars: ({ requests, readUnits }) => [factBar("at most 90 requests, 50 read units", requests <= 90 && readUnits <= 50)],
  };
}

const quicker = (speed: number): Clock => ({
  now: systemClock.now,
  monotonic: () => systemClock.monotonic() * speed,
  sleep: (ms, signal) => systemClock.sleep(ms / speed, signal),
});

/** A cell beside the log, as leases are kept: one conditional write of its owner's. */
function heartbeat({ ports: { cells } }: Deployment): Operation {
  const cell = { key: `lease/${nodeName(0)}`, value: { holder: "healer-0", taken: 1 } };
  const expires = (): number => systemClock.now() + 3 * minuteMs;
  let version = 0;
  return {
    prepare: async () => {
      const there = await cells.get("bench-leases", cell.key);
      const put =
        there === undefined ? await cells.put("bench-leases", { ...cell, expires: expires(), when: "absent" }) : undefined;
      version = put?.cell?.version ?? there?.version ?? 0;
    },
    run: async () => {
      const put = await cells.put("bench-leases", { ...cell, expires: expires(), when: { version } });
      assert(put.kind === "put", "its owner renews it");
    },
    bars: ({ requests, writeUnits }) => [factBar("1 request, 1 write unit", requests === 1 && writeUnits === 1)],
  };
}
