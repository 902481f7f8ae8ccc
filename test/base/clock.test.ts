/** Waits, however long they are. */
import { expect, it } from "vitest";
import { systemClock, waitUntil } from "../../shared/base/clock.ts";
import { Watchdog } from "../../shared/fleet/engine/watchdog.ts";
import { SimulatedEngine } from "../../shared/fleet/simulated/engine.ts";

/** Longer than a timer of Node's can be: those end after a millisecond. */
const longMs = 2 ** 31;

it("a sleep that is longer than timers reach is not over at once, and ends with its signal", async () => {
  const leave = new AbortController();
  const ended: string[] = [];
  const sleeps = [
    systemClock.sleep(longMs, leave.signal),
    systemClock.sleep(Number.POSITIVE_INFINITY, leave.signal),
    waitUntil(systemClock, systemClock.now() + longMs, leave.signal),
  ].map((sleep) =>
    sleep.then(
      () => ended.push("over"),
      () => ended.push("left"),
    ),
  );
  await systemClock.sleep(20);
  expect(ended).toEqual([]);
  leave.abort();
  await Promise.all(sleeps);
  expect(ended).toEqual(["left", "left", "left"]);
});

it("a watchdog of a time-out beyond what timers reach sleeps once", async () => {
  let sleeps = 0;
  const sleep: typeof systemClock.sleep = (ms, signal) => {
    sleeps += 1;
    return systemClock.sleep(ms, signal);
  };
  const clock = { ...systemClock, sleep };
  let isSilent = false;
  using _watchdog = new Watchdog(clock, longMs, () => {
    isSilent = true;
  });
  await systemClock.sleep(20);
  expect([sleeps, isSilent]).toEqual([1, false]);
});

it("a simulated engine's events until long from now go on", async () => {
  const engine = new SimulatedEngine({ address: "tcp://a:2375", clock: systemClock, random: Math.random }).open();
  const rows = await engine.system.events({ until: String((systemClock.now() + longMs) / 1_000) });
  await systemClock.sleep(20);
  const { Id } = await engine.containers.create({ body: { Image: "busybox" } });
  for await (const { Actor } of rows) {
    expect(Actor.ID).toBe(Id);
    break;
  }
});
