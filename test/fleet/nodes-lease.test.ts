/** Leases: one holder at a time, whatever is slow, lost or dead. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Ids } from "../../shared/base/ids.ts";
import { Lease, LeaseEndedError, Leases } from "../../shared/fleet/nodes/lease.ts";
import { openMemory } from "../../shared/log/memory/open.ts";
import type { Cells } from "../../shared/log/ports.ts";
import { StillClock } from "./nodes-fleet.ts";

const uid = "life";

function counting(): Ids {
  let count = 0;
  const uuid = (): string => {
    count += 1;
    return `token-${count}`;
  };
  return { uuid, random: () => 0.5 };
}

async function ground() {
  const { objects, cells } = openMemory();
  await objects.begin(uid, 1);
  const clock = new StillClock();
  const ids = counting();
  const leases = (owner: string, own: Cells = cells) => new Leases({ cells: own, uid, clock, ids, owner });
  return { cells, clock, leases };
}

function taken(lease: Awaited<ReturnType<Leases["take"]>>): Lease {
  if (!(lease instanceof Lease)) throw new Error(`held by ${lease.heldBy}`);
  return lease;
}

describe("a lease", () => {
  it("is one's until it is released or has expired; others are told who has it, what for and until when", async () => {
    const { leases, clock } = await ground();
    const lease = taken(await leases("one").take("node/a", 1_000, "healing"));
    const held = { heldBy: "one", until: clock.now() + 1_000, purpose: "healing" };
    expect(await leases("two").take("node/a", 1_000)).toEqual(held);
    expect(await leases("one").take("node/a", 1_000)).toEqual(held);
    expect(await leases("two").holder("node/a")).toEqual(held);
    taken(await leases("two").take("node/b", 1_000));
    await lease.release();
    await lease.release();
    expect(lease.isHeld).toBe(false);
    expect(await leases("two").holder("node/a")).toBeUndefined();
    const next = taken(await leases("two").take("node/a", 1_000));
    clock.jump(999);
    expect(next.isHeld).toBe(true);
    clock.jump(1);
    expect(next.isHeld).toBe(false);
    taken(await leases("three").take("node/a", 1_000));
  });

  it("the counter grows at each taking, of whomever", async () => {
    const { leases, clock } = await ground();
    const counters: number[] = [];
    for (const owner of ["one", "two", "one"]) {
      const lease = taken(await leases(owner).take("a", 10));
      counters.push(lease.counter);
      if (owner === "two") await lease.release();
      else clock.jump(10);
    }
    expect(counters.toSorted((one, other) => one - other)).toEqual(counters);
    expect(new Set(counters).size).toBe(3);
  });

  it("is renewed by its owner, and by nobody who has lost it", async () => {
    const { leases, clock } = await ground();
    const lease = taken(await leases("one").take("a", 1_000));
    clock.jump(900);
    expect(await lease.renew(1_000)).toBe(true);
    clock.jump(900);
    expect(lease.isHeld).toBe(true);
    clock.jump(100);
    expect(await lease.renew(1_000)).toBe(false);
    const other = taken(await leases("two").take("a", 1_000));
    expect(await lease.renew(1_000)).toBe(false);
    await lease.release();
    expect(other.isHeld).toBe(true);
    expect(await leases("three").holder("a")).toMatchObject({ heldBy: "two" });
  });

  it("one that was taken over by a faster clock is not renewed or released by the former owner", async () => {
    const { leases, cells, clock } = await ground();
    const fast = new StillClock();
    fast.jump(5_000);
    const lease = taken(await leases("one").take("a", 1_000));
    const other = taken(
      await new Leases({ cells, uid, clock: fast, ids: { uuid: () => "other" }, owner: "two" }).take("a", 1_000),
    );
    expect([lease.isHeld, await lease.renew(1_000), lease.isHeld]).toEqual([true, false, false]);
    expect(other.isHeld).toBe(true);
    expect(await leases("three").holder("a")).toMatchObject({ heldBy: "two", until: clock.now() + 6_000 });
  });

  it("the signal aborts when it expires, is lost or is released, and not before", async () => {
    const { leases, clock } = await ground();
    const expiring = taken(await leases("one").take("a", 1_000));
    const { signal } = expiring;
    await clock.pass(900);
    await expiring.renew(1_000);
    await clock.pass(900);
    expect(signal.aborted).toBe(false);
    await clock.pass(100);
    expect([signal.aborted, signal.reason]).toEqual([true, expect.any(LeaseEndedError)]);
    const released = taken(await leases("one").take("a", 1_000));
    const ended = released.signal;
    await released.release();
    expect(ended.aborted).toBe(true);
  });

  it("a put whose answer is lost is found: the lease is had, renewed and released all the same", async () => {
    const { leases, cells } = await ground();
    let isLossy = true;
    const lossy: Cells = {
      get: (...args) => cells.get(...args),
      delete: (...args) => cells.delete(...args),
      list: (...args) => cells.list(...args),
      put: async (...args) => {
        const answer = await cells.put(...args);
        if (isLossy) throw new Error("connection reset");
        return answer;
      },
    };
    const lease = taken(await leases("one", lossy).take("a", 1_000));
    await expect(lease.renew(2_000)).rejects.toThrow("connection reset");
    isLossy = false;
    expect(await lease.renew(3_000)).toBe(true);
    expect(await leases("two").take("a", 1_000)).toMatchObject({ heldBy: "one", until: lease.until });
    await lease.release();
    taken(await leases("two").take("a", 1_000));
  });

  it("cells that can't be asked: nobody has it, and it may be asked for again", async () => {
    const { leases } = await ground();
    const refuse = (): Promise<never> => Promise.reject(new Error("throttled"));
    const broken: Cells = { get: async () => undefined, put: refuse, delete: refuse, list: refuse };
    await expect(leases("one", broken).take("a", 1_000)).rejects.toThrow("throttled");
    taken(await leases("one").take("a", 1_000));
  });

  it("what is remembered of a name goes when it is told to, but never a lease that is held", async () => {
    const { leases, cells } = await ground();
    const lease = taken(await leases("one").take("a", 1_000));
    await leases("two").forget("a");
    expect(lease.isHeld && (await cells.list(uid, "lease/", 10)).length).toBe(1);
    await lease.release();
    await leases("two").forget("a");
    expect(await cells.list(uid, "lease/", 10)).toEqual([]);
  });
});

describe("many for one lease", () => {
  type Worker = { readonly startMs: number; readonly workMs: number; readonly crashes: boolean; readonly renews: boolean };
  const worker: fc.Arbitrary<Worker> = fc.record({
    startMs: fc.nat(400),
    workMs: fc.nat(150),
    crashes: fc.boolean(),
    renews: fc.boolean(),
  });

  it("with any delays, crashes and expiries there is one holder at a time, and in the end somebody gets it", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(worker, { minLength: 2, maxLength: 50 }),
        fc.infiniteStream(fc.nat(20)),
        async (workers, delays) => {
          const { clock, cells, leases } = await ground();
          const slow = slowed(cells, clock, delays);
          const holders = new Set<number>();
          const counters: number[] = [];
          let most = 0;
          const run = async ({ startMs, workMs, crashes, renews }: Worker, index: number): Promise<void> => {
            await clock.sleep(startMs);
            const lease = await leases(`worker-${index}`, slow).take("node/a", 100);
            if (!(lease instanceof Lease) || !lease.isHeld) return;
            counters.push(lease.counter);
            holders.add(index);
            most = Math.max(most, holders.size);
            const end = (): void => void holders.delete(index);
            lease.signal.addEventListener("abort", end, { once: true });
            await clock.sleep(workMs);
            if (crashes) return;
            if (renews && (await lease.renew(100))) await clock.sleep(workMs);
            end();
            await lease.release();
          };
          await clock.until(Promise.all(workers.map(run)));
          expect(most).toBe(1);
          expect(new Set(counters).size).toBe(counters.length);
          expect(counters.length).toBeGreaterThan(0);
        },
      ),
      { numRuns: 60 },
    );
  });

  it("50 at once: one has it", async () => {
    const { leases } = await ground();
    const answers = await Promise.all(Array.from({ length: 50 }, (_, n) => leases(`worker-${n}`).take("node/a", 1_000)));
    expect(answers.filter((answer) => answer instanceof Lease)).toHaveLength(1);
  });
});

/** Each request is on its way for some time, and so is its answer. */
function slowed(cells: Cells, clock: StillClock, delays: Iterator<number>): Cells {
  const wait = (): Promise<void> => clock.sleep(delays.next().value as number);
  const around = async <T>(act: () => Promise<T>): Promise<T> => {
    await wait();
    const answer = await act();
    await wait();
    return answer;
  };
  return {
    get: (...args) => around(() => cells.get(...args)),
    put: (...args) => around(() => cells.put(...args)),
    delete: (...args) => around(() => cells.delete(...args)),
    list: (...args) => around(() => cells.list(...args)),
  };
}
