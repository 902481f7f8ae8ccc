/** Fifty healers on one cluster, each with a store of its own: one works on a node at a time, and together they do what one would. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { NodeHealer } from "../../shared/fleet/nodes/healer.ts";
import type { Cells } from "../../shared/log/ports.ts";
import { NodeFleet, StillClock } from "./nodes-fleet.ts";

const down = { kind: "unreachable" } as const;

describe("50 healers", () => {
  it("at the same moment: a failure is counted, judged, committed and told once", async () => {
    const clock = new StillClock();
    const made = await NodeFleet.open(clock);
    for (const name of ["a", "b"]) await made.add(name);
    let asked = 0;
    const handleError = (): number => {
      asked += 1;
      return 60_000;
    };
    const healers = Array.from({ length: 50 }, () => made.healer({ store: made.openStore(), healer: { handleError } }));
    const together = () => clock.until(Promise.all(healers.map((healer) => healer.round())));
    await together();
    expect(await made.states()).toEqual({ a: "ready", b: "ready" });
    const head = await made.head();
    made.engine("a").faults.set(down);
    for (let moment = 0; moment < 3; moment += 1) {
      clock.jump(10_000);
      await together();
    }
    expect((await made.node("a")).status).toMatchObject({ state: "down", failures: 3 });
    expect((await made.head()) - head).toBe(2);
    expect(asked).toBe(2);
    expect(made.told).toEqual(["NodeReady a", "NodeReady b", "NodeNotReady a", "NodeDown a"]);
  });

  it("one after the other within a second: as one", async () => {
    const clock = new StillClock();
    const made = await NodeFleet.open(clock);
    await made.add("a");
    const healers = Array.from({ length: 50 }, () => made.healer({ store: made.openStore() }));
    made.engine("a").faults.set(down);
    for (const healer of healers) {
      await clock.until(healer.round());
      clock.jump(20);
    }
    expect((await made.node("a")).status).toMatchObject({ state: "disconnected", failures: 1 });
  });

  it("with slow cells, crashes and expiries, one works on a node at a time, and the last ones standing bring it to what it is", async () => {
    const healer = fc.record({ startMs: fc.nat(3_000), diesAt: fc.option(fc.nat(12)) });
    await fc.assert(
      fc.asyncProperty(
        fc.array(healer, { minLength: 2, maxLength: 50 }),
        fc.infiniteStream(fc.nat(300)),
        async (given, delays) => {
          const clock = new StillClock();
          const made = await NodeFleet.open(clock);
          await made.add("a");
          await clock.until(made.healer().round());
          made.engine("a").faults.set(down);
          const work = new Work(made.ports.cells, clock, delays);
          const run = async ({ startMs, diesAt }: (typeof given)[number], index: number): Promise<void> => {
            const own: NodeHealer = made.healer({
              store: made.openStore(),
              cells: work.cellsOf(index, diesAt ?? undefined),
              policy: { leaseMs: 5_000 },
            });
            await clock.sleep(startMs);
            for (let count = 0; count < 3; count += 1) {
              await own.round().catch(() => undefined);
              await clock.sleep(10_000);
            }
          };
          await clock.until(Promise.all(given.map(run)));
          expect(work.mostAtOnce).toBeLessThanOrEqual(1);
          for (let count = 0; count < 3; count += 1) {
            await clock.until(made.healer().round());
            clock.jump(10_000);
          }
          expect(await made.state("a")).toBe("down");
          made.engine("a").faults.set(undefined);
          await clock.until(made.healer().round());
          expect(await made.state("a")).toBe("ready");
          await made[Symbol.asyncDispose]();
        },
      ),
      { numRuns: 15 },
    );
  });
});

/** Sees who holds the node's lease by what is put into its cell, and kills processes at one of their requests. */
class Work {
  mostAtOnce = 0;
  readonly #cells: Cells;
  readonly #clock: StillClock;
  readonly #delays: Iterator<number>;
  /** Until when each process believes that it holds the lease. */
  readonly #holds = new Map<number, number>();

  constructor(cells: Cells, clock: StillClock, delays: Iterator<number>) {
    this.#cells = cells;
    this.#clock = clock;
    this.#delays = delays;
  }

  /** `diesAt`: the request that is carried out, and after which the process does nothing any more. */
  cellsOf(process: number, diesAt: number | undefined): Cells {
    let requests = 0;
    const around = async <T>(act: () => Promise<T>): Promise<T> => {
      requests += 1;
      if (diesAt !== undefined && requests > diesAt) throw new Error("dead");
      await this.#wait();
      const answer = await act();
      if (requests === diesAt) throw new Error("dead");
      await this.#wait();
      return answer;
    };
    return {
      get: (...args) => around(() => this.#cells.get(...args)),
      delete: (...args) => around(() => this.#cells.delete(...args)),
      list: (...args) => around(() => this.#cells.list(...args)),
      put: (...args) =>
        around(async () => {
          const answer = await this.#cells.put(...args);
          const [, { key, expires = 0 }] = args;
          if (key.startsWith("lease/") && answer.kind === "put") this.#note(process, expires);
          return answer;
        }),
    };
  }

  #note(process: number, until: number): void {
    this.#holds.set(process, until);
    const now = this.#clock.now();
    const holders = [...this.#holds.values()].filter((end) => end > now);
    this.mostAtOnce = Math.max(this.mostAtOnce, holders.length);
  }

  #wait(): Promise<void> {
    return this.#clock.sleep(this.#delays.next().value as number);
  }
}
