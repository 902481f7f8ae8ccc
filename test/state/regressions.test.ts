/** What the simulation found (test/simulation), each by its smallest scene; the seed that found it stands beside it. */
import { describe, expect, it } from "vitest";
import { lagEntriesMax, tombstoneMs } from "../../shared/base/limits.ts";
import { nodeKind } from "../../shared/kinds/node.ts";
import { openMemory } from "../../shared/log/memory/open.ts";
import type { Log } from "../../shared/log/ports.ts";
import { GoneError } from "../../shared/state/errors.ts";
import { commits, onAny } from "../../shared/state/event.ts";
import { Lag } from "../../shared/state/lag.ts";
import { ObjectIndexes } from "../../shared/state/object-indexes.ts";
import { Publisher } from "../../shared/state/publisher.ts";
import { Replica } from "../../shared/state/replica.ts";
import type { Store } from "../../shared/state/store.ts";
import { Stripper } from "../../shared/state/stripper.ts";
import { versionAt } from "../../shared/state/version.ts";
import { node, service } from "../conformance/objects-of.ts";
import { first, openStore, QuickClock, uid, type Watched, watchedPorts } from "./watched-ports.ts";

const options = { actor: "tester" };
const create = (store: Store, name: string) => store.update((tx) => tx.nodes.create(node(name)), options);
const names = (store: Store) => store.view((tx) => tx.nodes.find().map(({ metadata }) => metadata.name));
const publish = (ports: Watched) =>
  new Publisher({ ...ports, clock: new QuickClock(), sink: { publish: async () => undefined } }).run(uid);

/** Something to wait for that the test lets happen. */
function gate(): { readonly passed: Promise<void>; readonly open: () => void } {
  const { promise, resolve } = Promise.withResolvers<void>();
  return { passed: promise, open: () => resolve() };
}

describe("revisions of another life", () => {
  /** As DynamoDB: a log without entries has nothing to say of what lies before it. */
  async function emptyLife() {
    const ports = await watchedPorts();
    const { log } = ports;
    const silent: Log = {
      appendMax: 1,
      compressAboveBytes: 900,
      append: (life, run) => log.append(life, run),
      read: async () => ({ kind: "entries", entries: [], end: true }),
      strip: (life, range) => log.strip(life, range),
      head: () => undefined,
    };
    return openStore({ ...ports, log: silent }, new QuickClock());
  }

  it("a view of a life without entries as of a revision before it is gone, not empty (seed 4)", async () => {
    const store = await emptyLife();
    await expect(store.view((tx) => tx.nodes.find(), { at: first - 2 })).rejects.toThrow(GoneError);
    expect((await store.view((tx) => tx.nodes.find(), { at: first - 1 })).value).toEqual([]);
  });

  it("a watch of a life without entries can't be resumed before it (seed 76)", async () => {
    const store = await emptyLife();
    await expect(store.watchFrom({ revision: first - 2, place: 999 })).rejects.toThrow(GoneError);
    const watch = await store.watchFrom({ revision: first - 1, place: 999 });
    watch.close();
  });
});

describe("loading", () => {
  it("a view that reads more tables than the cache holds comes to its end (seed 9)", async () => {
    const ports = await watchedPorts();
    const clock = new QuickClock();
    await create(openStore(ports, clock), "a");
    await openStore(ports, clock).update((tx) => tx.services.create(service("web")), options);
    const small = openStore(ports, clock, { cachedBytesMax: 1 });
    const { value } = await small.view((tx) => [tx.nodes.find().length, tx.services.find().length]);
    expect(value).toEqual([1, 1]);
    await small.update((tx) => {
      tx.services.find();
      tx.nodes.create(node("b"));
    }, options);
  });

  it("a sync that asked for the marker before a load began the replica does not set it back (seeds 2286, 3633)", async () => {
    const ports = await watchedPorts();
    const writer = openStore(ports, new QuickClock());
    await create(writer, "a");
    const told: number[] = [];
    const held = gate();
    const early = await ports.objects.markers(uid);
    let asked = 0;
    const markers = async (life: string) => {
      asked += 1;
      if (asked > 1) return ports.objects.markers(life);
      // The sync's answer is as old as its question, and comes last.
      await held.passed;
      return early;
    };
    const replica = new Replica({
      uid,
      log: ports.log,
      objects: { ...ports.objects, markers },
      clock: new QuickClock(),
      indexesOf: (plural) => new ObjectIndexes({ plural, indexes: {} }),
      cachedBytesMax: 1_000_000,
      onEntry: ({ revision }) => told.push(revision),
      onDrop: () => undefined,
    });
    const syncing = replica.sync();
    await publish(ports);
    await create(writer, "b");
    await replica.load({ keys: new Set(["nodes/b"]), prefixes: new Set() });
    const loaded = replica.revision;
    held.open();
    await syncing;
    expect(loaded).toBe(first + 1);
    expect(replica.revision).toBe(first + 1);
    expect(told).toEqual([...new Set(told)]);
  });

  it("a replica that the log was stripped under begins anew instead of failing its loads", async () => {
    const ports = await watchedPorts();
    const clock = new QuickClock();
    const [slow, writer] = [openStore(ports, clock), openStore(ports, clock)];
    await create(writer, "a");
    await names(slow);
    for (const name of ["b", "c", "d"]) await create(writer, name);
    await publish(ports);
    await new Stripper(ports).run(uid, { before: Number.MAX_SAFE_INTEGER, steps: 1 });
    const { value } = await slow.update((tx) => tx.services.find().length, options);
    expect(value).toBe(0);
  });
});

describe("answers", () => {
  it("a commit found by its own id proves nothing of what came after it (seeds of the crowded runs)", async () => {
    const ports = await watchedPorts();
    const clock = new QuickClock();
    const [one, other] = [openStore(ports, clock), openStore(ports, clock)];
    await names(one);
    await names(other);
    let reading: Promise<{ readonly revision: number }> | undefined;
    ports.appends.push(async (append) => {
      await append();
      // The reply is lost; another process commits on top; then somebody here asks.
      await create(other, "b");
      reading = one.update((tx) => tx.nodes.get("b") !== undefined, options);
      return { kind: "unknown", cause: new Error("reset") };
    });
    expect((await create(one, "a")).revision).toBe(first);
    expect(await reading).toMatchObject({ value: true, revision: first + 1, changed: false });
  });
});

/** Replies that come so many turns of the microtask queue apart: between an await and what follows it, others run. */
const apart = Array.from({ length: 16 }, (_, turns) => turns);

async function turn(times: number): Promise<void> {
  for (let time = 0; time < times; time += 1) await undefined;
}

describe("callers that run between an await and what follows it", () => {
  /** A store warm on nodes a and b, whose next read of the log and next append wait for their gates. */
  async function held() {
    const ports = await watchedPorts();
    const store = openStore(ports, new QuickClock());
    await create(store, "a");
    await create(store, "b");
    await names(store);
    const [read, append] = [gate(), gate()];
    const reached = gate();
    ports.before = (request) => {
      if (!request.startsWith("read")) return;
      ports.before = () => undefined;
      reached.open();
      return read.passed;
    };
    return { ports, store, read, append, reached };
  }

  it.each(apart)(
    "a pinned view is of its revision though a commit comes in %i turns after its undo (seeds 202404, 207218)",
    async (turns) => {
      const { ports, store, read, append, reached } = await held();
      ports.before = () => undefined;
      // The view's own sync passes; the read of what it undoes is held.
      let reads = 0;
      ports.before = (request) => {
        if (!request.startsWith("read")) return;
        reads += 1;
        if (reads !== 2) return;
        ports.before = () => undefined;
        reached.open();
        return read.passed;
      };
      const view = store.view((tx) => tx.nodes.find().map(({ metadata }) => metadata.name), { at: first });
      await reached.passed;
      ports.appends.push(async (put) => {
        const appended = await put();
        await append.passed;
        return appended;
      });
      const update = store.update((tx) => tx.nodes.delete("a"), options);
      await new Promise(setImmediate);
      read.open();
      await turn(turns);
      append.open();
      await update;
      expect(await view).toMatchObject({ value: ["a"], revision: first });
    },
  );

  it.each(apart)("a watch is resumed though the replica is dropped %i turns after its sync (seed 819)", async (turns) => {
    const { ports, store, read, append, reached } = await held();
    const watching = store.watchFrom({ revision: first, place: 999 });
    await reached.passed;
    ports.appends.push(async () => {
      await append.passed;
      return { kind: "conflict", entry: undefined };
    });
    const update = create(store, "c").catch((error: Error) => error.name);
    await new Promise(setImmediate);
    read.open();
    await turn(turns);
    append.open();
    expect(await update).toBe("OutcomeUnknownError");
    (await watching).close();
  });
});

describe("watches", () => {
  it("one that meets the seal while it catches up ends at the seal's version (seed 102978)", async () => {
    const ports = await watchedPorts();
    const clock = new QuickClock();
    const [one, other] = [openStore(ports, clock), openStore(ports, clock)];
    await create(other, "a");
    await create(other, "b");
    let reads = 0;
    ports.before = async (request) => {
      if (!request.startsWith("read")) return;
      reads += 1;
      if (reads !== 2) return;
      ports.before = () => undefined;
      await other.seal(options);
    };
    const watch = await one.watchFrom({ revision: first - 1, place: 999 }, commits, ...onAny(nodeKind));
    await expect(drain(watch)).rejects.toMatchObject({ end: { reason: "sealed", resourceVersion: versionAt(first + 2) } });
  });
});

describe("lag", () => {
  it("entries that a replica reads after it knows the marker above them do not count", () => {
    const lag = new Lag();
    lag.reset(10, 0);
    lag.moved(20, 10, 0);
    for (let revision = 11; revision <= 22; revision += 1) lag.note(revision, 100);
    expect(lag.refusal(lagEntriesMax - 2, 0)).toBeUndefined();
    expect(lag.refusal(lagEntriesMax - 1, 0)).toContain("not applied yet");
  });
});

describe("tombstones", () => {
  it("a delete done again begins its tombstone's time anew: the marker may have stood below it all the while (seed 339018)", async () => {
    const { objects } = openMemory();
    await objects.begin(uid, first);
    const gone = { action: "delete", key: "a", revision: first + 2 } as const;
    const late = { action: "create", key: "a", revision: first + 1, value: {} } as const;
    await objects.apply(uid, [gone], 0);
    await objects.apply(uid, [gone], tombstoneMs - 1);
    await objects.apply(uid, [late], tombstoneMs + 1);
    expect(await objects.get(uid, "a")).toBeUndefined();
  });
});

async function drain(watch: AsyncIterable<unknown>): Promise<void> {
  for await (const _ of watch);
}
