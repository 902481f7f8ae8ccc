/**
 * The rules of DESIGN section 1 one by one, each in its smallest scene. That they hold together under random faults is the
 * simulation's matter; limits are in the conformance suites, lives and seals in clusters.test.ts.
 */
import { describe, expect, it } from "vitest";
import {
  appliedRecheckMs,
  commitLossesMax,
  lagEntriesMax,
  replicaBehindBytesMax,
  retentionMs,
} from "../../shared/base/limits.ts";
import { nodeKind } from "../../shared/kinds/node.ts";
import { encodeEntry } from "../../shared/log/codec.ts";
import type { EncodedEntry } from "../../shared/log/ports.ts";
import { BusyError, GoneError, OutcomeUnknownError, UnavailableError } from "../../shared/state/errors.ts";
import { onAny } from "../../shared/state/event.ts";
import { Publisher, type Sink } from "../../shared/state/publisher.ts";
import { all } from "../../shared/state/selector.ts";
import type { Store } from "../../shared/state/store.ts";
import { Stripper } from "../../shared/state/stripper.ts";
import { versionAt } from "../../shared/state/version.ts";
import { node, service } from "../conformance/objects-of.ts";
import { appendAll, createOf, entryAt } from "../conformance/ports.ts";
import { asked, first, openStore, QuickClock, uid, type Watched, watchedPorts } from "./watched-ports.ts";

const options = { actor: "tester" };
const create = (store: Store, name: string) => store.update((tx) => tx.nodes.create(node(name)), options);
const names = (store: Store) => store.view((tx) => tx.nodes.find().map(({ metadata }) => metadata.name));
const noSink: Sink = { publish: async () => undefined };
const publish = (ports: Watched, sink = noSink) => new Publisher({ ...ports, clock: new QuickClock(), sink }).run(uid);

/** Two processes on one life, both warm on nodes. */
async function two() {
  const ports = await watchedPorts();
  const clock = new QuickClock();
  const [one, other] = [openStore(ports, clock), openStore(ports, clock)];
  await names(one);
  await names(other);
  return { ports, clock, one, other };
}

describe("rule 1: one id a transaction, until the answer is definite", () => {
  it("a lost reply of a committed put is put again, the same bytes at the same place, and is known as one's own", async () => {
    const { ports, one } = await two();
    const tries: Uint8Array[] = [];
    ports.appends.push(async (append, run) => {
      tries.push((run[0] as EncodedEntry).bytes);
      await append();
      return { kind: "unknown", cause: new Error("reset") };
    });
    ports.appends.push((append, run) => {
      tries.push((run[0] as EncodedEntry).bytes);
      return append();
    });
    expect(await create(one, "a")).toMatchObject({ revision: first, changed: true });
    expect(tries[1]).toBe(tries[0]);
    expect(one.revision).toBe(first);
  });

  it("a put that was lost is put again until it is there", async () => {
    const { ports, one } = await two();
    const lost = async () => ({ kind: "unknown", cause: new Error("reset") }) as const;
    ports.appends.push(lost, lost);
    const requests = await asked(ports, () => create(one, "a"));
    expect(requests.filter((request) => request.startsWith("append"))).toEqual(["append 0", "append 0", "append 0"]);
  });

  it("the first failed condition is compared with one's own id, too", async () => {
    const { ports, one } = await two();
    ports.appends.push(async (append) => {
      await append();
      return append();
    });
    let calls = 0;
    const { revision } = await one.update((tx) => {
      calls += 1;
      return tx.nodes.create(node("a"));
    }, options);
    expect({ revision, calls }).toEqual({ revision: first, calls: 1 });
    expect((await names(one)).value).toEqual(["a"]);
  });

  it("an unclear reply, then another's entry there: certainly not written, so it runs again behind it", async () => {
    const { ports, one, other } = await two();
    ports.appends.push(async () => {
      await create(other, "b");
      return { kind: "unknown", cause: new Error("reset") };
    });
    expect(await create(one, "a")).toMatchObject({ revision: first + 1 });
    expect((await names(one)).value).toEqual(["a", "b"]);
  });

  it("time is up without a clear answer: the outcome is unknown, and so it is told", async () => {
    const { ports, one, clock } = await two();
    ports.before = (request) => {
      if (request.startsWith("append")) ports.appends.push(async () => ({ kind: "unknown", cause: new Error("reset") }));
      clock.advance(500);
    };
    await expect(create(one, "a")).rejects.toBeInstanceOf(OutcomeUnknownError);
  });

  it("time is up and every try was refused: nothing was written, and so it is told", async () => {
    const { ports, one, clock } = await two();
    ports.before = (request) => {
      if (request.startsWith("append")) ports.appends.push(async () => ({ kind: "refused", cause: new Error("throttled") }));
      clock.advance(500);
    };
    const failed = create(one, "a");
    await expect(failed).rejects.toBeInstanceOf(UnavailableError);
    await expect(failed).rejects.toThrow("throttled");
  });

  it("a stub at one's place tells nothing of whose it was: outcome unknown, and the next call goes on", async () => {
    const { ports, one, other } = await two();
    await create(other, "b");
    await publish(ports);
    await new Stripper(ports).run(uid, { before: Number.POSITIVE_INFINITY, steps: 5 });
    await expect(create(one, "a")).rejects.toBeInstanceOf(OutcomeUnknownError);
    expect(await create(one, "a")).toMatchObject({ revision: first + 1 });
  });
});

describe("rule 2: rerun, do not rebase", () => {
  it("a loser who is one behind applies the winner's entry and runs again, without a read", async () => {
    const { ports, one, other } = await two();
    await create(one, "a");
    await names(other);
    await one.update((tx) => tx.nodes.update(node("a", { role: "manager" })), options);
    const seen: string[] = [];
    const requests = await asked(ports, () =>
      other.update((tx) => {
        seen.push(tx.nodes.get("a")?.spec.role ?? "");
        tx.nodes.delete("a");
      }, options),
    );
    expect(seen).toEqual(["worker", "manager"]);
    expect(requests).toEqual(["append 1", "append 2"]);
  });

  it("the id, the time and new uids are the same in a rerun", async () => {
    const { one, other } = await two();
    await create(one, "a");
    const seen: unknown[] = [];
    await other.update((tx) => {
      const { id, now, actor } = tx.context;
      seen.push([id, now, actor, tx.nodes.create(node("b")).metadata.uid]);
    }, options);
    expect(seen).toHaveLength(2);
    expect(seen[1]).toEqual(seen[0]);
  });

  it("who is many entries behind loses twice, then reads on", async () => {
    const { ports, one, other } = await two();
    for (let index = 0; index < 30; index += 1) await create(other, `b-${index}`);
    expect(await asked(ports, () => create(one, "a"))).toEqual(["append 0", "append 1", "read 1", "append 30"]);
  });

  it("who committed lets others go first, if it lost to somebody a moment ago", async () => {
    const { clock, one, other } = await two();
    await create(one, "a");
    expect(clock.sleeps).toEqual([]);
    await create(other, "b");
    const waits = clock.sleeps.length;
    await create(other, "c");
    expect(clock.sleeps.length).toBe(waits + 1);
    clock.advance(100);
    await create(other, "d");
    expect(clock.sleeps.length).toBe(waits + 1);
  });

  it("who loses too often gives up, having waited longer each time, but never long", async () => {
    const { ports, one, other, clock } = await two();
    let count = 0;
    let inner = false;
    ports.before = async (request) => {
      if (!request.startsWith("append") || inner) return;
      inner = true;
      await create(other, `b-${count++}`);
      inner = false;
    };
    await expect(create(one, "a")).rejects.toBeInstanceOf(BusyError);
    expect(count).toBe(commitLossesMax);
    const growing = clock.sleeps.filter((ms) => ms > 0).slice(0, 6);
    expect(growing).toEqual(growing.toSorted((a, b) => a - b));
    expect(growing.at(-1)).toBeGreaterThan(4 * (growing[0] ?? 0));
    expect(Math.max(...clock.sleeps)).toBeLessThan(128);
    ports.before = () => undefined;
    expect((await names(one)).value).not.toContain("a");
  });
});

describe("rule 3: no answer from old state", () => {
  it("a value, an error and a refusal are given only from a state that was read after the call came", async () => {
    const { one, other } = await two();
    await create(other, "a");
    expect((await one.update((tx) => tx.nodes.get("a")?.metadata.name, options)).value).toBe("a");
    await other.update((tx) => tx.nodes.delete("a"), options);
    expect((await names(one)).value).toEqual([]);
    await create(other, "a");
    await one.update((tx) => {
      if (tx.nodes.get("a") === undefined) throw new Error("old state");
    }, options);
    await other.update((tx) => tx.nodes.delete("a"), options);
    const { changed } = await create(one, "a");
    expect(changed).toBe(true);
  });

  it("an answer with a commit needs no read: the put proves the state", async () => {
    const { ports, one } = await two();
    expect(await asked(ports, () => create(one, "a"))).toEqual(["append 0"]);
  });

  it("callers join only a read that began after they came: one in flight, one waiting", async () => {
    const { ports, one, other } = await two();
    let release: () => void = () => undefined;
    let held = true;
    ports.before = (request) => {
      if (!request.startsWith("read") || !held) return undefined;
      held = false;
      return new Promise((resolve) => {
        release = resolve;
      });
    };
    const early = names(one);
    ports.asked.length = 0;
    const late = [names(one), names(one), names(one)];
    await create(other, "a");
    release();
    await early;
    for (const { value } of await Promise.all(late)) expect(value).toEqual(["a"]);
    expect(ports.asked.filter((request) => request.startsWith("read"))).toHaveLength(1);
  });
});

describe("rule 4: a position is never empty again", () => {
  it("only what is old, applied and published is stripped, the oldest first, and never the seal", async () => {
    const { ports, one } = await two();
    for (const name of ["a", "b", "c"]) await create(one, name);
    const stripper = new Stripper(ports);
    const all = { before: Number.POSITIVE_INFINITY, steps: 5 };
    expect(await stripper.run(uid, all)).toBe(0);
    await expect(publish(ports, { publish: () => Promise.reject(new Error("no bus")) })).rejects.toThrow("no bus");
    expect(await stripper.run(uid, all)).toBe(0);
    await publish(ports);
    expect(await stripper.run(uid, { before: 0, steps: 5 })).toBe(0);
    await one.seal(options);
    await publish(ports);
    expect(await stripper.run(uid, all)).toBe(3);
    expect(await ports.objects.markers(uid)).toMatchObject({ applied: first + 2, published: first + 3, stripped: first + 2 });
    expect(await ports.log.read(uid, { after: first + 2, limit: 9, consistent: true })).toMatchObject({
      entries: [{ entry: { seal: true } }],
    });
  });

  it("a strip that was interrupted anywhere is carried on", async () => {
    const { ports, one } = await two();
    for (const name of ["a", "b", "c", "d"]) await create(one, name);
    await publish(ports);
    await ports.log.strip(uid, { after: first - 1, upTo: first + 1 });
    expect(await new Stripper(ports).run(uid, { before: Number.POSITIVE_INFINITY, steps: 5 })).toBe(4);
    expect(await ports.objects.markers(uid)).toMatchObject({ stripped: first + 3 });
  });

  it("an entry that looks young keeps those after it", async () => {
    const ports = await watchedPorts();
    const at = (place: number, time: number) =>
      encodeEntry({ ...entryAt(first + place, [createOf(`x/${place}`, {})]), time }, 900);
    await appendAll(ports.log, uid, [at(0, 0), at(1, retentionMs), at(2, 0)]);
    await publish(ports);
    expect(await new Stripper(ports).run(uid, { before: 1, steps: 5 })).toBe(1);
  });
});

describe("rule 5: back-pressure by lag", () => {
  it("so many entries may lie above the applied marker, one more is refused until they are applied", async () => {
    const { ports, one } = await two();
    const entries = Array.from({ length: lagEntriesMax - 1 }, (_, i) =>
      encodeEntry(entryAt(first + i, [createOf(`x/${i}`, {})]), 900),
    );
    await appendAll(ports.log, uid, entries);
    await names(one);
    await create(one, "a");
    const refused = create(one, "b");
    await expect(refused).rejects.toBeInstanceOf(UnavailableError);
    await expect(refused).rejects.toMatchObject({ retryAfterSeconds: 1 });
    while ((await publish(ports)).applied < first + lagEntriesMax - 1);
    const clock = new QuickClock();
    await create(openStore(ports, clock), "b");
  });

  it("a writer asks for the marker again after 500 revisions or 5 seconds, not more often", async () => {
    const { ports, one, clock } = await two();
    const requests = await asked(ports, async () => {
      for (let i = 0; i < 501; i += 1)
        await one.update((tx) => (i === 0 ? tx.nodes.create(node("a")) : tx.nodes.update(node("a"))), options);
    });
    expect(requests.filter((request) => request === "markers")).toHaveLength(1);
    clock.advance(5_000);
    expect(await asked(ports, () => one.update((tx) => tx.nodes.update(node("a")), options))).toEqual(["markers", "append 501"]);
  });

  it("where the log applies itself nobody asks for the marker, and nothing is refused", async () => {
    const { ports, clock } = await two();
    const log = { ...ports.log, appliesItself: true };
    const store = openStore({ ...ports, log }, clock);
    await create(store, "a");
    const requests = await asked(ports, async () => {
      for (let count = 0; count <= lagEntriesMax; count += 1) {
        await store.update((tx) => tx.nodes.update(node("a")), options);
      }
      clock.advance(appliedRecheckMs);
      await store.update((tx) => tx.nodes.update(node("a")), options);
    });
    expect(requests).not.toContain("markers");
    expect(requests).toHaveLength(lagEntriesMax + 2);
  });
});

describe("rules 6 and 7: wake-ups are hints, and derivation may run twice", () => {
  it("lost, doubled and late wake-ups come to the same rows, markers and events", async () => {
    const { ports, one } = await two();
    const heard: number[] = [];
    const sink: Sink = { publish: async (_, entries) => void heard.push(...entries.map(({ revision }) => revision - first)) };
    for (const name of ["a", "b"]) await create(one, name);
    await Promise.all([publish(ports, sink), publish(ports, sink)]);
    await one.update((tx) => tx.nodes.delete("a"), options);
    for (let wakeUp = 0; wakeUp < 3; wakeUp += 1) await publish(ports, sink);
    expect([...new Set(heard)]).toEqual([0, 1, 2]);
    expect(await ports.objects.markers(uid)).toMatchObject({ applied: first + 2, published: first + 2 });
    expect((await ports.objects.page(uid, { prefix: "", limit: 9 })).rows.map(({ key }) => key)).toEqual(["nodes/b"]);
  });

  it("several entries are folded to one write a key, and the marker moves after the rows", async () => {
    const { ports, one } = await two();
    await create(one, "a");
    for (let i = 0; i < 50; i += 1)
      await one.update((tx) => tx.nodes.update(node("a", { role: i % 2 ? "worker" : "manager" })), options);
    const requests = await asked(ports, () => publish(ports));
    expect(requests).toEqual(["markers", "read -1", "apply 1", "move applied -1 to 50", "move published -1 to 50"]);
  });

  it("a bus that is out never stops the rows", async () => {
    const { ports, one } = await two();
    const out: Sink = { publish: () => Promise.reject(new Error("no bus")) };
    for (const name of ["a", "b", "c"]) {
      await create(one, name);
      await expect(publish(ports, out)).rejects.toThrow("no bus");
    }
    expect(await ports.objects.markers(uid)).toMatchObject({ applied: first + 2, published: first - 1 });
    await publish(ports);
    expect(await ports.objects.markers(uid)).toMatchObject({ applied: first + 2, published: first + 2 });
  });

  it("a write of a run that was overtaken long ago changes nothing", async () => {
    const { ports, one } = await two();
    await create(one, "a");
    let late: (() => void) | undefined;
    ports.before = (request) => {
      if (request !== "apply 1" || late !== undefined) return undefined;
      return new Promise((resolve) => {
        late = resolve;
      });
    };
    const overtaken = publish(ports);
    await new Promise(setImmediate);
    await one.update((tx) => tx.nodes.delete("a"), options);
    await publish(ports);
    late?.();
    await overtaken;
    expect(await ports.objects.get(uid, "nodes/a")).toBeUndefined();
    expect(await ports.objects.markers(uid)).toMatchObject({ applied: first + 1 });
  });
});

describe("reading", () => {
  it("a warm get or list is one read; a cold one is markers, rows, log, in this order", async () => {
    const { ports, one } = await two();
    for (const name of ["a", "b"]) await create(one, name);
    expect(await asked(ports, () => names(one))).toEqual(["read 1"]);
    expect(await asked(ports, () => one.view((tx) => tx.nodes.get("a")))).toEqual(["read 1"]);
    const cold = openStore(ports, new QuickClock());
    await cold.view(() => undefined);
    expect(await asked(ports, () => names(cold))).toEqual(["markers", "page nodes/", "read -1"]);
    expect(await asked(ports, () => cold.view((tx) => tx.networks.get("x")))).toEqual(["markers", "get networks/x", "read -1"]);
    expect(await asked(ports, () => cold.view((tx) => [tx.networks.get("x"), tx.nodes.get("c")]))).toEqual(["read 1"]);
  });

  it("a cold write reads what a cold get would, then appends", async () => {
    const { ports, one } = await two();
    for (const name of ["a", "b"]) await create(one, name);
    const cold = openStore(ports, new QuickClock());
    expect(await asked(ports, () => create(cold, "c"))).toEqual(["markers", "get nodes/c", "read -1", "append 2"]);
  });

  it("a stale replica that was stripped past starts cold when it reads what it has not cached", async () => {
    const { ports, one, other } = await two();
    for (const name of ["a", "b", "c"]) await create(one, name);
    await publish(ports);
    await new Stripper(ports).run(uid, { before: Number.POSITIVE_INFINITY, steps: 5 });
    expect((await other.view((tx) => [tx.networks.get("x"), tx.nodes.find().length])).value).toEqual([undefined, 3]);
  });

  it("rows read at different times, some newer than the marker, are folded to one exact state", async () => {
    const { ports, one, other } = await two();
    for (const name of ["a", "b", "c"]) await create(one, name);
    await publish(ports);
    await one.update((tx) => {
      tx.nodes.delete("a");
      tx.nodes.update(node("b", { role: "manager" }));
    }, options);
    const cold = openStore(ports, new QuickClock());
    // While the cold reader is between marker and rows, the entry is applied, and more comes.
    ports.before = async (request) => {
      if (request !== "page nodes/") return;
      ports.before = () => undefined;
      await publish(ports);
      await other.update((tx) => tx.nodes.delete("c"), options);
      await create(other, "d");
    };
    const { value, revision } = await cold.view((tx) =>
      tx.nodes.find().map(({ metadata, spec }) => `${metadata.name} ${spec.role}`),
    );
    expect({ value, revision }).toEqual({ value: ["b manager", "d worker"], revision: first + 5 });
  });

  it("what a sync applies while a fill is under way wins over what the fill read", async () => {
    const { ports, one, other } = await two();
    await create(other, "a");
    const reader = openStore(ports, new QuickClock());
    await reader.view(() => undefined);
    ports.before = async (request) => {
      if (request !== "get nodes/a") return;
      ports.before = async (next) => {
        if (!next.startsWith("read")) return;
        ports.before = () => undefined;
        await one.update((tx) => tx.nodes.update(node("a", { role: "manager" })), options);
        await reader.view(() => undefined);
      };
    };
    expect((await reader.view((tx) => tx.nodes.get("a")?.spec.role)).value).toBe("manager");
    expect((await reader.view((tx) => tx.nodes.get("a")?.spec.role)).value).toBe("manager");
  });

  it("a replica that lies 2 MB behind starts cold; its watchers resume and miss nothing", async () => {
    const { ports, one, other } = await two();
    await create(one, "a");
    const watch = await one.watch(...onAny(nodeKind));
    const pad = Array.from({ length: 60_000 }, (_, i) => String.fromCharCode(0x4e00 + ((i * 7919) % 20_000)))
      .join("")
      .slice(0, 40_000);
    let bytes = 0;
    let place = other.revision + 1;
    await names(other);
    place = other.revision + 1;
    while (bytes <= replicaBehindBytesMax) {
      const encoded = encodeEntry(entryAt(place, [createOf(`x/${place}`, { pad: pad + place })]), Number.POSITIVE_INFINITY);
      await appendAll(ports.log, uid, [encoded]);
      bytes += encoded.bytes.length;
      place += 1;
    }
    // More than one read's worth, so that the reader sees how far it is behind.
    await appendAll(
      ports.log,
      uid,
      Array.from({ length: 1_000 }, (_, i) => encodeEntry(entryAt(place + i, [createOf(`y/${i}`, {})]), 900)),
    );
    const requests = await asked(ports, () => names(one));
    expect(requests.filter((request) => request === "page nodes/")).toHaveLength(1);
    await expect(watch.ready()).rejects.toMatchObject({ end: { reason: "restarted" } });
    watch.close();
  });

  it("tables that were used longest ago are forgotten when memory is short, and read again when needed", async () => {
    const { ports, one } = await two();
    for (const name of ["a", "b"]) await create(one, name);
    const small = openStore(ports, new QuickClock(), { cachedBytesMax: 1 });
    expect((await names(small)).value).toEqual(["a", "b"]);
    expect(await asked(ports, () => names(small))).toEqual(["read 1"]);
    await small.view((tx) => tx.networks.find());
    expect(await asked(ports, () => names(small))).toContain("page nodes/");
  });

  it("however many namespaces are asked for, what is remembered of them is bounded, and stays right", async () => {
    const { ports, one } = await two();
    await one.update((tx) => tx.services.create(service("web", [], "n-0")), options);
    const list = (namespace: string) =>
      one.view((tx) => tx.services.find(all, { namespace }).map(({ metadata }) => metadata.name));
    for (let i = 0; i < 1_001; i += 1) await list(`n-${i}`);
    expect(await asked(ports, () => list("n-1000"))).toEqual(["read 0"]);
    expect(await asked(ports, () => list("n-0"))).toContain("page services/n-0/");
    expect((await list("n-0")).value).toEqual(["web"]);
  });

  it("a watcher on a log that others write is fed by cheap reads, and hears everything", async () => {
    const { ports, one, other } = await two();
    const watch = await one.watch(...onAny(nodeKind));
    const requests = await asked(ports, async () => {
      await create(other, "a");
      await watch.ready();
    });
    expect(requests).toContain("read -1 eventually");
    expect(watch.take()).toMatchObject({ type: "create", resourceVersion: `${first}000` });
    expect(watch.progress).toBe(versionAt(first));
    watch.close();
  });

  it("a view of the past reads from the log what came after, and says when it can't", async () => {
    const { ports, one } = await two();
    for (const name of ["a", "b"]) await create(one, name);
    const past = () => one.view((tx) => tx.nodes.find().length, { at: first });
    expect(await asked(ports, past)).toEqual(["read 1", "read 0"]);
    await publish(ports);
    await new Stripper(ports).run(uid, { before: Number.POSITIVE_INFINITY, steps: 5 });
    await expect(past()).rejects.toBeInstanceOf(GoneError);
  });
});
