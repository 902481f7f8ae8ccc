/** Quotas: the count of what a cluster holds is exact whatever happens to it, and the bucket gives what it says. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { systemIds } from "../../shared/base/ids.ts";
import { jsonText } from "../../shared/base/json.ts";
import { silentLogger } from "../../shared/base/logger.ts";
import type { ClusterQuotas } from "../../shared/kinds/cluster.ts";
import { builtinKinds, createRegistry } from "../../shared/kinds/registry.ts";
import { openMemory } from "../../shared/log/memory/open.ts";
import { BatchError, BusyError, QuotaExceededError } from "../../shared/state/errors.ts";
import { Publisher } from "../../shared/state/publisher.ts";
import { Bucket } from "../../shared/state/quota/bucket.ts";
import { Meter } from "../../shared/state/quota/meter.ts";
import { Store } from "../../shared/state/store.ts";
import { Stripper } from "../../shared/state/stripper.ts";
import type { Transaction } from "../../shared/state/transaction.ts";
import { node } from "../conformance/objects-of.ts";
import { ManualClock } from "../local/manual-clock.ts";
import { QuickClock } from "./watched-ports.ts";

const options = { actor: "tester" };
const uid = "life";

async function cluster(quotas: ClusterQuotas) {
  const ports = openMemory({ appendMax: 8 });
  await ports.objects.begin(uid, 1_000);
  const clock = new QuickClock();
  const root = { revision: 1 };
  const registry = createRegistry(builtinKinds);
  const open = () => {
    const meter = new Meter({ ...ports, uid, clock, root, quotas: async () => quotas });
    const store = new Store({ ...ports, uid, registry, clock, ids: systemIds, logger: silentLogger, scope: "cluster", meter });
    return { meter, store };
  };
  const publish = () => new Publisher({ ...ports, clock, sink: { publish: async () => undefined } }).run(uid);
  const strip = () => new Stripper(ports).run(uid, { before: Number.POSITIVE_INFINITY, steps: 10 });
  return { open, publish, strip, clock };
}

type Opened = Awaited<ReturnType<typeof cluster>>["open"] extends () => infer O ? O : never;

/** As the interface does it. */
async function put({ meter, store }: Opened, name: string, filler: number): Promise<boolean> {
  const admission = await meter.admit();
  const { changed } = await store.update((tx) => {
    const wanted = node(name, {}, { annotations: { filler: "ü".repeat(filler) } });
    if (tx.nodes.get(name) === undefined) tx.nodes.create(wanted);
    else tx.nodes.update(wanted);
    meter.check(tx);
  }, options);
  admission.done(changed);
  return changed;
}

async function held({ store }: Opened): Promise<{ objects: number; bytes: number }> {
  const { value } = await store.view((tx) => tx.nodes.find());
  return { objects: value.length, bytes: value.reduce((sum, object) => sum + Buffer.byteLength(jsonText(object)), 0) };
}

describe("what a cluster holds", () => {
  it("is counted as it is: cold or warm, from rows, entries or the kept count, by one process or two", async () => {
    const step = fc.oneof(
      fc.record({ do: fc.constant("put" as const), by: fc.nat(1), name: fc.nat(5), filler: fc.nat(40) }),
      fc.record({ do: fc.constant("delete" as const), by: fc.nat(1), name: fc.nat(5), filler: fc.nat(0) }),
      fc.record({
        do: fc.constantFrom("publish" as const, "strip" as const, "restart" as const),
        by: fc.nat(1),
        name: fc.nat(0),
        filler: fc.nat(0),
      }),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
        const { open, publish, strip } = await cluster({ objects: 1_000 });
        const processes = [open(), open()];
        for (const { do: what, by, name, filler } of steps) {
          const here = processes[by] as Opened;
          // Of a stub in its way a writer can't tell whose it was: it reads first.
          await here.store.view((tx) => tx.nodes.get("n0"));
          if (what === "put") await put(here, `n${name}`, filler);
          else if (what === "publish") await publish();
          else if (what === "strip") await publish().then(strip);
          else if (what === "restart") processes[by] = open();
          else await here.store.update((tx) => tx.nodes.get(`n${name}`) && tx.nodes.delete(`n${name}`), options);
        }
        for (const here of [...processes, open()]) {
          await here.meter.admit();
          const wanted = await held(here);
          await here.meter.admit();
          expect(here.meter.used).toMatchObject(wanted);
        }
      }),
      { numRuns: 100 },
    );
  });

  it("is kept in a cell from time to time, so that a cold process need not count anew", async () => {
    const { open, publish, strip } = await cluster({ objects: 5_000 });
    const warm = open();
    for (let count = 0; count < 1_001; count += 1) await put(warm, `n${count % 3}`, count % 7);
    await warm.meter.admit();
    await publish().then(strip);
    const cold = open();
    await cold.meter.admit();
    const wanted = await held(cold);
    await cold.meter.admit();
    expect(cold.meter.used).toMatchObject(wanted);
  });

  it("never goes beyond its bound, though two processes write at once", async () => {
    const { open } = await cluster({ objects: 10 });
    const processes = [open(), open()];
    const puts = Array.from({ length: 30 }, (_, index) =>
      put(processes[index % 2] as Opened, `n${index}`, 1).then(
        () => true,
        () => false,
      ),
    );
    expect((await Promise.all(puts)).filter((done) => done)).toHaveLength(10);
    expect(await held(open())).toMatchObject({ objects: 10 });
  });
});

describe("a batch that is held to quotas", () => {
  const filled = async (here: Opened, names: readonly string[]) => {
    for (const name of names) await put(here, name, 10);
  };

  it("restore: refused where it goes beyond, as a write is; what makes room first counts", async () => {
    const saved = await (async () => {
      const here = (await cluster({})).open();
      await filled(here, ["a", "b", "c", "d"]);
      return here.store.save();
    })();
    const narrow = (await cluster({ objects: 3 })).open();
    const failed = await narrow.store.restore(saved, options).catch((error: unknown) => error);
    expect(failed).toBeInstanceOf(BatchError);
    expect((failed as BatchError).cause).toBeInstanceOf(QuotaExceededError);
    expect((failed as BatchError).cause).toMatchObject({ excess: { resource: "objects", used: 0, limited: 3 } });
    expect(await held(narrow)).toMatchObject({ objects: 0 });
    const wide = (await cluster({ objects: 4 })).open();
    await filled(wide, ["x", "y", "z"]);
    await wide.store.restore(saved, options);
    expect((await wide.store.save()).objects.map(({ metadata }) => metadata.name)).toEqual(["a", "b", "c", "d"]);
  });

  it("waits for the second of each entry; what the server does itself is not held", async () => {
    const here = (await cluster({ commitsPerSecond: 1, objects: 450 })).open();
    const steps = (from: number, count: number) =>
      Array.from({ length: count }, (_, index) => (tx: Transaction) => void tx.nodes.create(node(`n${from + index}`)));
    expect(await here.store.batch(steps(0, 450), { ...options, isHeld: true })).toMatchObject({ commits: 3 });
    const over = await here.store.batch(steps(500, 1), { ...options, isHeld: true }).catch((error: unknown) => error);
    expect((over as BatchError).cause).toMatchObject({ key: "nodes/n500", excess: { used: 450, requested: 1 } });
    expect(await here.store.batch(steps(500, 1), options)).toMatchObject({ commits: 1 });
  });
});

describe("commits a second", () => {
  it("as many at once as a second has, then as they come back", () => {
    const clock = new ManualClock();
    const bucket = new Bucket(clock);
    const taken = () => Array.from({ length: 20 }, () => bucket.take(10)).filter((each) => each).length;
    expect(taken()).toBe(10);
    clock.advance(250);
    expect(taken()).toBe(2);
    clock.advance(60_000);
    expect(taken()).toBe(10);
    bucket.giveBack();
    expect(taken()).toBe(1);
  });

  it("what others commit counts, and never makes a debt; what was not committed is given back", async () => {
    const { open, clock } = await cluster({ commitsPerSecond: 5 });
    const [here, there] = [open(), open()];
    for (let count = 0; count < 3; count += 1) await put(here, `a${count}`, 0);
    for (let count = 0; count < 2; count += 1) await put(there, `b${count}`, 0);
    await here.store.view((tx) => tx.nodes.get("b0"));
    expect(await put(there, "over", 0).catch((error: unknown) => error)).toBeInstanceOf(BusyError);
    await expect(here.meter.admit()).rejects.toBeInstanceOf(BusyError);
    clock.advance(1_000);
    for (let count = 0; count < 20; count += 1) (await here.meter.admit()).done(false);
    await put(here, "again", 0);
  });
});
