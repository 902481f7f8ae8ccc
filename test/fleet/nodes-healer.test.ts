/** Rounds of the healer: what is seen of engines becomes the state of their nodes, and nothing else is committed. */
import { describe, expect, it } from "vitest";
import { systemClock } from "../../shared/base/clock.ts";
import { systemIds } from "../../shared/base/ids.ts";
import { SimulatedEngine } from "../../shared/fleet/simulated/engine.ts";
import { addressOf, NodeFleet, StillClock } from "./nodes-fleet.ts";

const down = { kind: "unreachable" } as const;
const hang = { kind: "hang" } as const;

async function fleet() {
  const clock = new StillClock();
  const made = await NodeFleet.open(clock);
  const healer = made.healer();
  return { made, clock, healer, round: () => clock.until(healer.round()) };
}

describe("a round", () => {
  it("a node that was never seen becomes ready, with all that its engine says of itself", async () => {
    const { made, clock, round } = await fleet();
    await made.add("a");
    expect(await round()).toEqual({ probed: 1, answered: 1, changed: ["a"], busy: [] });
    const { status } = await made.node("a");
    expect(status).toMatchObject({
      state: "ready",
      since: new Date(clock.now()).toISOString().replace(".000", ""),
      observedGeneration: 1,
      engine: {
        id: expect.stringMatching(/^[0-9a-f]{32}$/),
        version: "20.10.24",
        hostname: "host-0",
        platform: { os: "linux", architecture: "x86_64" },
        resources: { cpus: 4, memory: 8 * 1024 ** 3 },
      },
      conditions: [{ type: "Ready", status: "True", reason: "EngineAnswers" }],
    });
    expect(status?.message).toBeUndefined();
    expect(made.told).toEqual(["NodeReady a"]);
  });

  it("not reached: disconnected at once with the reason, down after three failures and 15 s, ready again when it answers", async () => {
    const { made, clock, round } = await fleet();
    await made.add("a");
    await made.add("b");
    await round();
    made.engine("a").faults.set(down);
    clock.jump(10_000);
    await round();
    expect((await made.node("a")).status).toMatchObject({
      state: "disconnected",
      message: expect.stringContaining("can't be reached: connect ECONNREFUSED"),
      failures: 1,
      lastError: expect.stringContaining("ECONNREFUSED"),
      disabledUntil: new Date(clock.now() + 60_000).toISOString().replace(".000", ""),
      since: new Date(clock.now()).toISOString().replace(".000", ""),
      conditions: [{ type: "Ready", status: "False", reason: "NodeNotReady" }],
    });
    clock.jump(10_000);
    await round();
    expect(await made.state("a")).toBe("disconnected");
    clock.jump(10_000);
    await round();
    expect((await made.node("a")).status).toMatchObject({
      state: "down",
      failures: 3,
      message: /^3 failures in a row, the last: /,
    });
    const head = await made.head();
    clock.jump(10_000);
    await round();
    expect(await made.head()).toBe(head);
    made.engine("a").faults.set(undefined);
    clock.jump(10_000);
    await round();
    const { status } = await made.node("a");
    expect(status).toMatchObject({ state: "ready", conditions: [{ type: "Ready", status: "True" }] });
    expect([status?.failures, status?.lastError, status?.disabledUntil, status?.message]).toEqual(Array(4).fill(undefined));
    expect(await made.state("b")).toBe("ready");
    expect(made.told).toEqual(["NodeReady a", "NodeReady b", "NodeNotReady a", "NodeDown a", "NodeReturned a"]);
    made.engine("a").faults.set(down);
    clock.jump(10_000);
    await round();
    expect((await made.node("a")).status).toMatchObject({ state: "disconnected", failures: 1 });
  });

  it("an engine that restarts within 15 s is never down, however often it was asked", async () => {
    const { made, clock, healer } = await fleet();
    await made.add("a");
    await clock.until(healer.round());
    made.engine("a").faults.set(down);
    for (let count = 0; count < 5; count += 1) {
      clock.jump(2_500);
      await clock.until(healer.round());
    }
    expect(await made.state("a")).toBe("disconnected");
  });

  it("whoever looks once a minute gives a node up at the second failure: the reconciler takes it for lost by then", async () => {
    const { made, clock, round } = await fleet();
    await made.add("a");
    await round();
    made.engine("a").faults.set(down);
    clock.jump(60_000);
    await round();
    expect(await made.state("a")).toBe("disconnected");
    clock.jump(60_000);
    await round();
    expect(await made.state("a")).toBe("down");
  });

  it("an engine that hangs, answers 500 or says nonsense is not reached; one that is slow is", async () => {
    const { made, clock, round } = await fleet();
    for (const name of ["hangs", "fails", "mute", "slow"]) await made.add(name);
    made.engine("hangs").faults.set(hang);
    made.engine("fails").faults.set({ kind: "failing", status: 500, message: "driver failed" });
    made.engine("mute").faults.set({ kind: "cut" });
    made.engine("slow").faults.latencyMs = 2_000;
    const before = clock.now();
    await round();
    expect(clock.now() - before).toBe(5_000);
    expect(await made.states()).toEqual({ hangs: "disconnected", fails: "disconnected", mute: "disconnected", slow: "ready" });
    expect((await made.node("hangs")).status?.message).toMatch(/took over 5000 ms/);
    expect((await made.node("fails")).status?.message).toBe("driver failed");
  });

  it("a node that was given up is waited for a second; in one minute of ten, and when its spec has changed, as long as any", async () => {
    const { made, clock, round } = await fleet();
    const waited = async (): Promise<number> => {
      const before = clock.now();
      await round();
      return clock.now() - before;
    };
    /** To the beginning of the minute, of each ten the one with that number. */
    const toMinute = (minute: number): void => {
      const tenMinutesMs = 600_000;
      clock.jump(tenMinutesMs - (clock.now() % tenMinutesMs) + minute * 60_000);
    };
    await made.add("a");
    await round();
    const { faults } = made.engine("a");
    faults.set(hang);
    toMinute(1);
    expect(await waited()).toBe(5_000);
    toMinute(1);
    expect([await waited(), await made.state("a")]).toEqual([5_000, "down"]);
    for (let minute = 0; minute < 10; minute += 1) {
      toMinute(minute);
      expect(await waited()).toBe(minute === 0 ? 5_000 : 1_000);
    }
    await made.change("a", (node) => ({ ...node, spec: { ...node.spec, availability: "pause" } }));
    toMinute(1);
    expect([await waited(), await waited()]).toEqual([5_000, 1_000]);
    // Slow, as one that was not given up may be.
    faults.set(undefined);
    faults.latencyMs = 2_000;
    toMinute(9);
    await round();
    expect(await made.state("a")).toBe("down");
    toMinute(0);
    await round();
    expect(await made.state("a")).toBe("ready");
  });

  it("a node that was given up and pings at once has the usual time to say what it is", async () => {
    const { made, clock, round } = await fleet();
    await made.add("a");
    await round();
    made.engine("a").faults.set(down);
    for (let minute = 0; minute < 2; minute += 1) {
      clock.jump(60_000);
      await round();
    }
    made.engine("a").faults.set(hang, (call) => call === "info");
    const before = clock.now();
    await round();
    expect([clock.now() - before, await made.state("a")]).toEqual([5_000, "down"]);
  });

  it("an engine that pings and then does not say what it is, is not ready", async () => {
    const { made, round } = await fleet();
    await made.add("a");
    made.engine("a").faults.set(hang, (call) => call === "info");
    await round();
    expect(await made.state("a")).toBe("disconnected");
  });

  it("a node that is not accepted is left alone, unless it was in use", async () => {
    const { made, clock, round } = await fleet();
    await made.add("new", { membership: "pending" });
    await made.add("old");
    expect((await round()).probed).toBe(1);
    expect((await made.node("new")).status).toBeUndefined();
    await made.change("old", (node) => ({ ...node, spec: { ...node.spec, membership: "pending" } }));
    made.engine("old").faults.set(down);
    clock.jump(10_000);
    expect((await round()).probed).toBe(1);
    expect(await made.state("old")).toBe("disconnected");
  });

  it("a node whose secret is missing says so, and holds up no other", async () => {
    const { made, round } = await fleet();
    await made.add("a", { tls: { secretRef: { name: "gone" } } });
    await made.add("b");
    await round();
    expect((await made.node("a")).status).toMatchObject({ state: "disconnected", message: "there is no secret gone" });
    expect(await made.state("b")).toBe("ready");
  });

  it("many changes are few entries", async () => {
    const { made, clock, round } = await fleet();
    const names = Array.from({ length: 450 }, (_, n) => `node-${String(n).padStart(4, "0")}`);
    await made.addMany(names);
    const head = await made.head();
    await round();
    expect((await made.head()) - head).toBe(3);
    for (const name of names) made.engine(name).faults.set(down);
    clock.jump(10_000);
    await round();
    expect((await made.head()) - head).toBe(6);
    expect(new Set(Object.values(await made.states()))).toEqual(new Set(["disconnected"]));
  });

  it("a store that takes nothing fails the round, holds no lease, and the next round commits what is seen then", async () => {
    const { made, clock, round } = await fleet();
    await made.add("a");
    const refused = async () => ({ kind: "refused", cause: new Error("throttled") }) as const;
    made.ports.appends.push(...Array.from({ length: 1_000 }, () => refused));
    await expect(round()).rejects.toThrow("a batch failed after 0 committed steps");
    made.ports.appends.length = 0;
    expect(await made.state("a")).toBe("unknown");
    clock.jump(1);
    await round();
    expect(await made.state("a")).toBe("ready");
  });

  it("ends with its signal, and counts no failure for what it left", async () => {
    const { made, clock, healer } = await fleet();
    await made.add("a");
    made.engine("a").faults.set(hang);
    const stop = new AbortController();
    const going = healer.round(stop.signal);
    await clock.pass(1_000);
    stop.abort(new Error("enough"));
    await expect(going).rejects.toThrow("enough");
    expect(await made.ports.cells.list("life", "health/", 10)).toEqual([]);
  });
});

describe("an engine's identity", () => {
  it("one that comes back with another id is noticed: its data is lost, or another has its address", async () => {
    const { made, clock, round } = await fleet();
    await made.add("a");
    await round();
    const { id } = (await made.node("a")).status?.engine ?? {};
    made.engine("a").faults.set(down);
    clock.jump(10_000);
    await round();
    made.engine("a").loseData();
    made.engine("a").faults.set(undefined);
    clock.jump(10_000);
    await round();
    const { status } = await made.node("a");
    expect(status?.state).toBe("ready");
    expect(status?.engine?.id).not.toBe(id);
    expect(status?.conditions).toMatchObject([
      { type: "Ready", status: "True" },
      { type: "EngineReplaced", status: "True", reason: "NewEngineId", message: expect.stringContaining(`was ${id} and is`) },
    ]);
    expect(made.told.slice(1)).toEqual(["NodeNotReady a", "NodeReady a", "EngineReplaced a"]);
    expect(made.events.at(-1)?.type).toBe("Warning");
  });

  it("one that is replaced between two pings is noticed some minutes later", async () => {
    const { made, clock, round } = await fleet();
    await made.add("a");
    await round();
    made.engine("a").loseData();
    for (let count = 0; count < 50; count += 1) {
      clock.jump(10_000);
      await round();
    }
    expect(made.told).toEqual(["NodeReady a", "EngineReplaced a"]);
  });

  it("two nodes that are one engine: the older is used, the other says whose engine it is, and takes over when that one goes", async () => {
    const { made, clock, round } = await fleet();
    await made.add("b-first");
    clock.jump(5_000);
    await made.add("a-second", { address: "tcp://other-name:2375" });
    const { open } = made.engine("b-first");
    made.engine("tcp://other-name:2375").open = open.bind(made.engine("b-first"));
    await round();
    expect(await made.states()).toEqual({ "a-second": "down", "b-first": "ready" });
    const { status } = await made.node("a-second");
    expect(status?.message).toMatch(
      /^is the same engine as node b-first \(engine id [0-9a-f]{32}\) and is not used; unregister one/,
    );
    expect(status?.conditions).toMatchObject([
      { type: "Ready", status: "False" },
      { type: "DuplicateEngine", status: "True", reason: "SameEngineId" },
    ]);
    const head = await made.head();
    for (let count = 0; count < 3; count += 1) {
      clock.jump(10_000);
      await round();
    }
    expect(await made.head()).toBe(head);
    await made.remove("b-first");
    await round();
    const taken = (await made.node("a-second")).status;
    expect(taken).toMatchObject({ state: "ready", conditions: [{ type: "Ready", status: "True" }] });
    expect(made.told).toEqual(["NodeReady b-first", "DuplicateEngine a-second", "NodeReturned a-second"]);
  });

  it("the same engine is told by one that looked at one node only, too", async () => {
    const { made, clock, healer } = await fleet();
    await made.add("a");
    await clock.until(healer.round());
    await made.add("b", { address: "http://a:2375" });
    made.engine("http://a:2375").open = () => made.engine("a").open();
    await clock.until(made.healer({ store: made.openStore() }).succeeded(await made.node("b")));
    expect(await made.states()).toEqual({ a: "ready", b: "down" });
  });

  it("a node that was removed and added again begins anew, at the address whose engine failed", async () => {
    const { made, clock, round } = await fleet();
    await made.add("a");
    await round();
    made.engine("a").faults.set(down);
    for (let count = 0; count < 3; count += 1) {
      clock.jump(10_000);
      await round();
    }
    expect(await made.state("a")).toBe("down");
    await made.remove("a");
    await made.add("a");
    clock.jump(10_000);
    await round();
    expect((await made.node("a")).status).toMatchObject({ state: "disconnected", failures: 1 });
    made.replaceEngine("a", new SimulatedEngine({ address: addressOf("a"), clock, random: systemIds.random }));
    await made.engines[Symbol.asyncDispose]();
    await clock.until(made.healer({ engines: made.openEngines() }).round());
    expect((await made.node("a")).status).toMatchObject({ state: "ready", conditions: [{ type: "Ready" }] });
  });
});

describe("at scale", () => {
  it("an idle fleet of 1,000 nodes makes no entry and writes no cell in an hour", async () => {
    const { made, clock, round } = await fleet();
    await made.addMany(Array.from({ length: 1_000 }, (_, n) => `node-${n}`));
    await round();
    const head = await made.head();
    let puts = 0;
    const { put } = made.ports.cells;
    made.ports.cells.put = (...args) => {
      puts += 1;
      return put.apply(made.ports.cells, args);
    };
    for (let minute = 0; minute < 60; minute += 1) {
      clock.jump(60_000);
      const seen = await round();
      expect(seen).toEqual({ probed: 1_000, answered: 1_000, changed: [], busy: [] });
    }
    expect(await made.head()).toBe(head);
    expect(puts).toBe(0);
  });

  it("a round over 1,000 nodes of which 50 hang takes under the time-out of one ping and a second", async () => {
    await using made = await NodeFleet.open(systemClock);
    await made.addMany(Array.from({ length: 1_000 }, (_, n) => `node-${n}`));
    for (let n = 0; n < 50; n += 1) made.engine(`node-${n * 20}`).faults.set(hang);
    const probeMs = 500;
    const healer = made.healer({ policy: { probeMs } });
    // It commits all thousand.
    expect(await healer.round()).toMatchObject({ probed: 1_000, answered: 950, changed: { length: 1_000 } });
    const before = performance.now();
    expect(await healer.round()).toMatchObject({ probed: 1_000, answered: 950 });
    expect(performance.now() - before).toBeLessThan(probeMs + 1_000);
  });
});
