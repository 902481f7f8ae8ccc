/** Many sleepers on few timers, by a clock that the test moves. */
import { describe, expect, it } from "vitest";
import { Alarms } from "../../shared/api/alarms.ts";
import { ManualClock } from "../local/manual-clock.ts";

class CountingClock extends ManualClock {
  slept = 0;

  override sleep(ms: number, signal?: AbortSignal): Promise<void> {
    this.slept += 1;
    return super.sleep(ms, signal);
  }
}

function setUp() {
  const clock = new CountingClock(1_000_000);
  const rung: string[] = [];
  const sleeper = (name: string) => ({ due: () => void rung.push(name) });
  /** Moves the clock, and lets everything run that needs no time. */
  const advance = async (ms: number): Promise<void> => {
    clock.advance(ms);
    await new Promise((resolve) => setImmediate(resolve));
  };
  return { clock, alarms: new Alarms(clock), rung, sleeper, advance };
}

describe("alarms", () => {
  it("ring once, never early and a grain late at most", async () => {
    const { clock, alarms, rung, sleeper, advance } = setUp();
    alarms.set(sleeper("a"), clock.monotonic() + 250);
    await advance(249);
    expect(rung).toEqual([]);
    await advance(51);
    expect(rung).toEqual(["a"]);
    await advance(10_000);
    expect(rung).toEqual(["a"]);
  });

  it("those of a grain share a timer, and one that is cleared does not ring", async () => {
    const { clock, alarms, rung, sleeper, advance } = setUp();
    const [a, b, c] = [sleeper("a"), sleeper("b"), sleeper("c")];
    alarms.set(a, clock.monotonic() + 110);
    const ringsMs = alarms.set(b, clock.monotonic() + 150);
    alarms.set(c, clock.monotonic() + 200);
    expect(clock.slept).toBe(1);
    alarms.clear(b, ringsMs);
    await advance(200);
    expect(rung).toEqual(["a", "c"]);
    alarms.clear(a, ringsMs);
  });

  it("a grain that nobody waits for any more can be set again", async () => {
    const { clock, alarms, rung, sleeper, advance } = setUp();
    const a = sleeper("a");
    alarms.clear(a, alarms.set(a, clock.monotonic() + 100));
    alarms.set(a, clock.monotonic() + 100);
    await advance(100);
    expect([rung, clock.slept]).toEqual([["a"], 2]);
  });

  it("a sleeper may set its next one while it rings", async () => {
    const { clock, alarms, rung, sleeper, advance } = setUp();
    alarms.set({ due: () => void alarms.set(sleeper("next"), clock.monotonic()) }, clock.monotonic() + 100);
    await advance(100);
    await advance(0);
    expect(rung).toEqual(["next"]);
  });
});
