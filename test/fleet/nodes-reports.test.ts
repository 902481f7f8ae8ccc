/** What callers of engines report: failures and successes of their own calls, at any time, from anywhere. */
import { describe, expect, it } from "vitest";
import { timestamp } from "../../shared/base/clock.ts";
import { EngineCutError, EngineError, EngineUnreachableError } from "../../shared/fleet/engine-errors.ts";
import { Lease, Leases } from "../../shared/fleet/nodes/lease.ts";
import { nodeStatusText } from "../../shared/fleet/nodes/status.ts";
import { eventsMax, nodeLease } from "../../shared/fleet/nodes/treatment.ts";
import { NodeFleet, StillClock } from "./nodes-fleet.ts";

const refused = new EngineError(500, "no space left on device");
const unreachable = new EngineUnreachableError("tcp://a:2375", {
  cause: new Error("connect ECONNREFUSED"),
  mayHaveHappened: false,
});

async function fleet(options: Parameters<NodeFleet["healer"]>[0] = {}) {
  const clock = new StillClock();
  const made = await NodeFleet.open(clock);
  await made.add("a");
  await clock.until(made.healer().round());
  made.events.length = 0;
  const healer = made.healer(options);
  return {
    made,
    clock,
    healer,
    round: () => clock.until(healer.round()),
    text: async () => nodeStatusText(await made.node("a"), clock.now()),
  };
}

describe("a call that failed", () => {
  it("at an engine that answers: no new containers for a minute, whatever it says to pings; its tasks stay", async () => {
    const { made, clock, healer, round, text } = await fleet();
    await healer.failed(await made.node("a"), refused);
    expect((await made.node("a")).status).toMatchObject({
      state: "ready",
      failures: 1,
      lastError: "no space left on device",
      message: "no space left on device",
      disabledUntil: timestamp(clock.now() + 60_000),
    });
    expect([await text(), made.told]).toEqual(["temporarily disabled", ["NodeDisabled a"]]);
    const head = await made.head();
    for (let count = 0; count < 5; count += 1) {
      clock.jump(10_000);
      await round();
    }
    expect(await made.head()).toBe(head);
    clock.jump(10_000);
    expect(await text()).toBe("ready for retry");
    await round();
    expect(await text()).toBe("ready");
    expect((await made.node("a")).status?.lastError).toBeUndefined();
  });

  it("that was not reached: disconnected at once, and ready at the next ping", async () => {
    const { made, healer, round } = await fleet();
    await healer.failed(await made.node("a"), new Error("list failed", { cause: unreachable }));
    expect((await made.node("a")).status).toMatchObject({ state: "disconnected", failures: 1 });
    await round();
    expect((await made.node("a")).status).toMatchObject({ state: "ready" });
    expect((await made.node("a")).status?.failures).toBeUndefined();
    expect(made.told).toEqual(["NodeNotReady a", "NodeReady a"]);
  });

  it("calls alone never give a node up: only pings do", async () => {
    const { made, clock, healer, round } = await fleet();
    for (let count = 0; count < 20; count += 1) {
      await healer.failed(await made.node("a"), new EngineCutError("tcp://a:2375", "logs"));
      clock.jump(10_000);
    }
    expect(await made.state("a")).toBe("disconnected");
    await round();
    expect(await made.state("a")).toBe("ready");
  });

  it("that does not count is the last error, and disables all the same", async () => {
    const { made, healer, text } = await fleet();
    await healer.failed(await made.node("a"), refused, { counts: false });
    const { status } = await made.node("a");
    expect([status?.failures, status?.lastError, await text()]).toEqual([
      undefined,
      "no space left on device",
      "temporarily disabled",
    ]);
  });

  it("200 at once are counted, and committed once", async () => {
    const { made, clock, healer } = await fleet();
    const [node, head] = [await made.node("a"), await made.head()];
    await clock.until(Promise.all(Array.from({ length: 200 }, () => healer.failed(node, refused))));
    expect((await made.head()) - head).toBe(1);
    const [cell] = await made.ports.cells.list("life", "health/", 10);
    expect(cell?.value["failures"]).toBe(200);
  });

  it("asks the Healer with the failures in a row; 0 disables nothing, and it may throw", async () => {
    const asked: number[] = [];
    const answers = [120_000, 0];
    const handleError = (_: unknown, failures: number): number => {
      asked.push(failures);
      const answer = answers.shift();
      if (answer === undefined) throw new Error("a bug");
      return answer;
    };
    const { made, clock, healer, text } = await fleet({ healer: { handleError } });
    await healer.failed(await made.node("a"), refused);
    expect((await made.node("a")).status?.disabledUntil).toBe(timestamp(clock.now() + 120_000));
    await healer.succeeded(await made.node("a"));
    await healer.failed(await made.node("a"), refused);
    expect((await made.node("a")).status).toMatchObject({ failures: 1, lastError: "no space left on device" });
    expect(await text()).toBe("ready for retry");
    await healer.succeeded(await made.node("a"));
    await healer.failed(await made.node("a"), refused);
    expect([await text(), asked]).toEqual(["temporarily disabled", [1, 1, 1]]);
    expect(made.logged).toEqual(["healer: handleError failed"]);
  });

  it.each([Number.NaN, -1, Number.POSITIVE_INFINITY])("a Healer that answers %s harms nothing", async (answer) => {
    const { made, healer, text } = await fleet({ healer: { handleError: () => answer } });
    await healer.failed(await made.node("a"), refused);
    expect(await text()).toBe("temporarily disabled");
  });

  it("while somebody else works on the node is not lost: the next round acts on it", async () => {
    const { made, clock, healer, round, text } = await fleet();
    const node = await made.node("a");
    const leases = new Leases({ cells: made.ports.cells, uid: "life", clock, ids: { uuid: () => "x" }, owner: "other" });
    const lease = await leases.take(nodeLease(node.metadata.uid), 10_000);
    await healer.failed(node, refused);
    expect(await text()).toBe("ready");
    if (lease instanceof Lease) await lease.release();
    await round();
    expect([await text(), (await made.node("a")).status?.lastError]).toEqual(["temporarily disabled", "no space left on device"]);
    expect(made.told).toEqual(["NodeDisabled a"]);
  });

  it("of a node that is gone, or whose store is, is taken in silence", async () => {
    const { made, healer } = await fleet();
    const node = await made.node("a");
    await made.remove("a");
    await healer.failed(node, refused);
    await healer.succeeded({ ...node, status: { state: "down" } });
    made.ports.cells.get = () => Promise.reject(new Error("no database"));
    await healer.failed(node, refused);
    expect(made.logged).toEqual(["healer: what is told of a node can't be kept"]);
  });

  it("is not told to the node that has its name by now", async () => {
    const { made, healer } = await fleet();
    const node = await made.node("a");
    await made.remove("a");
    await made.add("a");
    await healer.failed(node, unreachable);
    expect((await made.node("a")).status).toBeUndefined();
  });
});

describe("a call that succeeded", () => {
  it("costs nothing where the node is well", async () => {
    const { made, healer } = await fleet();
    const node = await made.node("a");
    made.ports.asked.length = 0;
    made.ports.cells.get = () => Promise.reject(new Error("asked"));
    await healer.succeeded(node);
    expect([made.ports.asked, made.logged]).toEqual([[], []]);
  });

  it("ends what disables it, and begins the count anew", async () => {
    const { made, clock, healer, text } = await fleet();
    await healer.failed(await made.node("a"), refused);
    await healer.failed(await made.node("a"), refused);
    await healer.succeeded(await made.node("a"));
    expect(await text()).toBe("ready");
    clock.jump(60_000);
    await healer.failed(await made.node("a"), refused);
    expect((await made.node("a")).status?.failures).toBe(1);
  });

  it("at a node that was not reached has it looked at", async () => {
    const { made, clock, healer } = await fleet();
    await healer.failed(await made.node("a"), unreachable);
    await clock.until(healer.succeeded(await made.node("a")));
    expect(await made.state("a")).toBe("ready");
  });
});

describe("events", () => {
  it("a recorder that fails fails nothing", async () => {
    const { made, healer } = await fleet({ recorder: { record: () => Promise.reject(new Error("too many")) } });
    await healer.failed(await made.node("a"), refused);
    expect((await made.node("a")).status?.failures).toBe(1);
    expect(made.logged).toEqual(["healer: an event can't be recorded"]);
  });

  it("of nodes that come at once, so many are told, and a line says how many are not", async () => {
    const clock = new StillClock();
    const made = await NodeFleet.open(clock);
    await made.addMany(Array.from({ length: eventsMax + 1 }, (_, n) => `node-${n}`));
    await clock.until(made.healer().round());
    expect([made.events.length, made.logged]).toEqual([eventsMax, ["healer: events are left out"]]);
  });
});
