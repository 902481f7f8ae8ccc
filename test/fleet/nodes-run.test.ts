/** The healer's loop: what comes is soon used, what goes is soon noticed, and nothing holds up anything else. */
import { describe, expect, it } from "vitest";
import { EngineCutError } from "../../shared/fleet/engine-errors.ts";
import { Monitoring } from "../../shared/fleet/nodes/monitoring.ts";
import type { HealerPolicy } from "../../shared/fleet/nodes/policy.ts";
import { NodeFleet, StillClock } from "./nodes-fleet.ts";

const down = { kind: "unreachable" } as const;
const hang = { kind: "hang" } as const;

async function running(
  test: (made: NodeFleet, clock: StillClock, run: Running) => Promise<void>,
  policy: Partial<HealerPolicy> = {},
) {
  const clock = new StillClock();
  await using made = await NodeFleet.open(clock);
  const stop = new AbortController();
  const healer = made.healer({ policy });
  const end = healer.run(stop.signal);
  try {
    await test(made, clock, { healer, stop, end });
  } finally {
    stop.abort();
    await clock.until(end);
  }
}
type Running = { readonly healer: ReturnType<NodeFleet["healer"]>; readonly stop: AbortController; readonly end: Promise<void> };

describe("the healer's loop", () => {
  it("a node that is registered is ready within two seconds, though others hang", () =>
    running(async (made, clock) => {
      await made.addMany(["hangs-1", "hangs-2"]);
      for (const name of ["hangs-1", "hangs-2"]) made.engine(name).faults.set(hang);
      await clock.pass(12_000);
      await made.add("a");
      await clock.pass(2_000);
      expect(await made.state("a")).toBe("ready");
      made.engine("hangs-3").faults.set(hang);
      await made.addMany(["hangs-3", "b"]);
      await clock.pass(2_000);
      expect(await made.state("b")).toBe("ready");
    }));

  it("an engine that dies is down within half a minute, and used again within a few seconds of its return", () =>
    running(async (made, clock) => {
      await made.addMany(["a", "b"]);
      await clock.pass(10_500);
      made.engine("a").faults.set(down);
      await clock.pass(11_000);
      expect(await made.state("a")).toBe("disconnected");
      await clock.pass(19_000);
      expect(await made.states()).toEqual({ a: "down", b: "ready" });
      made.engine("a").faults.set(undefined);
      await clock.pass(11_000);
      expect(await made.state("a")).toBe("ready");
      made.engine("b").faults.set(down);
      await clock.pass(11_000);
      made.engine("b").faults.set(undefined);
      await clock.pass(6_000);
      expect(await made.state("b")).toBe("ready");
      expect(made.told).toEqual([
        "NodeReady a",
        "NodeReady b",
        "NodeNotReady a",
        "NodeDown a",
        "NodeReturned a",
        "NodeNotReady b",
        "NodeReady b",
      ]);
    }));

  it("a report of a call has the node looked at at once: a glitch is over as soon, a death is down in 15 s", () =>
    running(async (made, clock, { healer }) => {
      await made.add("a");
      await clock.pass(2_000);
      const cut = new EngineCutError("tcp://a:2375", "events");
      await healer.failed(await made.node("a"), cut);
      await clock.pass(1_000);
      expect(await made.state("a")).toBe("ready");
      made.engine("a").faults.set(down);
      await healer.failed(await made.node("a"), cut);
      await clock.pass(15_100);
      expect(await made.state("a")).toBe("down");
    }));

  it("a node whose address is changed is looked at there", () =>
    running(async (made, clock) => {
      made.engine("a").faults.set(down);
      await made.add("a");
      await clock.pass(30_000);
      expect(await made.state("a")).toBe("down");
      await made.change("a", (node) => ({ ...node, spec: { ...node.spec, address: "tcp://b:2375" } }));
      await clock.pass(1_500);
      expect((await made.node("a")).status).toMatchObject({ state: "ready", observedGeneration: 2 });
    }));

  it("what was seen at an address that is not the node's any more counts for nothing", () =>
    running(async (made, clock) => {
      made.engine("a").faults.set(hang);
      await made.add("a");
      await clock.pass(1_000);
      await made.change("a", (node) => ({ ...node, spec: { ...node.spec, address: "tcp://b:2375" } }));
      await clock.pass(20_000);
      expect(made.told).toEqual(["NodeReady a"]);
    }));

  it("its own commits are no news to it: an idle fleet is probed once a round", () =>
    running(async (made, clock) => {
      await made.add("a");
      await clock.pass(10_500);
      let pings = 0;
      made.engine("a").faults.lie = (call, answer) => {
        if (call === "ping") pings += 1;
        return answer;
      };
      const head = await made.head();
      await clock.pass(100_000);
      expect(pings).toBeGreaterThanOrEqual(9);
      expect(pings).toBeLessThanOrEqual(10);
      expect(await made.head()).toBe(head);
    }));

  it("what is known of a node that is removed goes with it", () =>
    running(async (made, clock) => {
      made.engine("a").faults.set(down);
      await made.add("a");
      await clock.pass(8_000);
      expect([made.engines.size, (await made.ports.cells.list("life", "", 10)).length]).toEqual([1, 2]);
      await made.remove("a");
      await clock.pass(2_000);
      expect([made.engines.size, await made.ports.cells.list("life", "", 10)]).toEqual([0, []]);
    }));

  it("goes on after failures of the store, and ends when the cluster is deleted", () =>
    running(async (made, clock, { end }) => {
      await made.add("a");
      await clock.pass(2_000);
      made.engine("a").faults.set(down);
      const { list } = made.ports.cells;
      made.ports.cells.list = () => Promise.reject(new Error("throttled"));
      await clock.pass(20_000);
      expect(made.logged).toContain("healer: a round failed");
      expect(await made.state("a")).toBe("ready");
      made.ports.cells.list = list;
      await clock.pass(11_000);
      expect(await made.state("a")).toBe("disconnected");
      await made.store.seal({ actor: "test" });
      await clock.until(end);
    }));

  it("ends with its signal in the middle of a round, and leaves nothing counted", () =>
    running(async (made, clock, { stop, end }) => {
      made.engine("a").faults.set(hang);
      await made.add("a");
      await clock.pass(1_000);
      stop.abort();
      await end;
      expect(await made.ports.cells.list("life", "health/", 10)).toEqual([]);
      expect(made.logged).toEqual([]);
    }));
});

describe("active monitoring", () => {
  async function monitored() {
    const clock = new StillClock();
    const made = await NodeFleet.open(clock);
    await made.add("a");
    const monitoring = new Monitoring({ healer: made.healer(), clock, logger: made.logger });
    return { clock, made, monitoring };
  }

  it("looks at once and every so often, with the interval of its last start, until it is stopped", async () => {
    const { clock, made, monitoring } = await monitored();
    monitoring.startActiveMonitoring(60_000);
    await clock.pass(10);
    expect([await made.state("a"), monitoring.isActive]).toEqual(["ready", true]);
    made.engine("a").faults.set(down);
    await clock.pass(59_000);
    expect(await made.state("a")).toBe("ready");
    await clock.pass(1_000);
    expect(await made.state("a")).toBe("disconnected");
    monitoring.startActiveMonitoring(1_000);
    made.engine("a").faults.set(undefined);
    await clock.pass(1_100);
    expect(await made.state("a")).toBe("ready");
    await clock.until(monitoring.stopActiveMonitoring());
    await monitoring.stopActiveMonitoring();
    made.engine("a").faults.set(down);
    await clock.pass(100_000);
    expect([await made.state("a"), monitoring.isActive]).toEqual(["ready", false]);
  });

  it("stop waits for the round that goes on, which commits what it sees", async () => {
    const { clock, made, monitoring } = await monitored();
    made.engine("a").faults.set(hang);
    monitoring.startActiveMonitoring(60_000);
    await clock.pass(1_000);
    let isStopped = false;
    const stopped = monitoring.stopActiveMonitoring().then(() => {
      isStopped = true;
    });
    await clock.pass(3_000);
    expect(isStopped).toBe(false);
    await clock.until(stopped);
    expect(await made.state("a")).toBe("disconnected");
  });

  it("a round that fails is logged, and followed by the next", async () => {
    const { clock, made, monitoring } = await monitored();
    const { list } = made.ports.cells;
    made.ports.cells.list = () => Promise.reject(new Error("throttled"));
    monitoring.startActiveMonitoring(1_000);
    await clock.pass(500);
    expect(made.logged).toEqual(["monitoring: a round failed"]);
    made.ports.cells.list = list;
    await clock.pass(1_000);
    expect(await made.state("a")).toBe("ready");
    await clock.until(monitoring.stopActiveMonitoring());
    expect(() => monitoring.startActiveMonitoring(0)).toThrow(RangeError);
  });
});
