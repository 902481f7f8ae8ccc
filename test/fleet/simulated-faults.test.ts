/** The simulated engine's faults look like those of real ones, and many engines are cheap. */
import { expect, it } from "vitest";
import { systemClock } from "../../shared/base/clock.ts";
import { systemIds } from "../../shared/base/ids.ts";
import { SimulatedEngine, type SimulatedOptions } from "../../shared/fleet/simulated/engine.ts";

const options = (more: Partial<SimulatedOptions> = {}): SimulatedOptions => ({
  address: "tcp://simulated:2375",
  clock: systemClock,
  random: systemIds.random,
  timeoutMs: 50,
  ...more,
});
const body = { Image: "busybox", Cmd: ["sleep", "600"] };

it("unreachable, hanging, failing: each with the error of a real one; well again when it is over", async () => {
  const simulated = new SimulatedEngine(options());
  const { system } = simulated.open();
  simulated.faults.set({ kind: "unreachable" });
  await expect(system.ping()).rejects.toMatchObject({ name: "EngineUnreachableError", mayHaveHappened: false });
  simulated.faults.set({ kind: "hang" });
  await expect(system.ping()).rejects.toMatchObject({ name: "EngineTimeoutError", timeoutMs: 50 });
  const leave = AbortSignal.abort(new Error("left"));
  await expect(system.ping({ signal: leave })).rejects.toThrow("left");
  simulated.faults.set({ kind: "failing", status: 500, message: "driver failed" });
  await expect(system.ping()).rejects.toMatchObject({ name: "EngineError", status: 500, message: "driver failed" });
  simulated.faults.set(undefined);
  expect(await system.ping()).toEqual({ ApiVersion: "1.41" });
});

it("cut: what was asked for is done, and nobody hears of it; only for the calls that are named", async () => {
  const simulated = new SimulatedEngine(options());
  const { containers } = simulated.open();
  simulated.faults.set({ kind: "cut" }, (call) => call === "container create");
  await expect(containers.create({ name: "once", body })).rejects.toMatchObject({ mayHaveHappened: true });
  expect((await containers.list({ all: true })).map(({ Names }) => Names)).toEqual([["/once"]]);
  simulated.faults.set(undefined);
  await expect(containers.create({ name: "once", body })).rejects.toMatchObject({ name: "NameTakenError" });
});

it("streams are cut in the middle", async () => {
  const simulated = new SimulatedEngine(options());
  const { containers, runs, streams, system } = simulated.open();
  const { Id } = await containers.create({ body });
  await runs.start(Id);
  const cut = { name: "EngineCutError" };
  const logs = (await streams.logs(Id, { follow: true })).toArray();
  const waiting = runs.wait(Id);
  const listening = (async () => {
    for await (const _ of await system.events());
  })();
  const checks = [
    expect(logs).rejects.toMatchObject(cut),
    expect(listening).rejects.toMatchObject(cut),
    expect(waiting).rejects.toThrow(),
  ];
  await system.ping();
  simulated.faults.cutStreams();
  await Promise.all(checks);
});

it("latency, lies and lost data", async () => {
  const simulated = new SimulatedEngine(options());
  const { containers, system } = simulated.open();
  simulated.faults.latencyMs = 100;
  await expect(system.ping()).rejects.toMatchObject({ name: "EngineTimeoutError" });
  simulated.faults.latencyMs = 0;
  await containers.create({ body });
  simulated.faults.lie = (call, answer) => (call === "container list" ? [] : answer);
  expect(await containers.list({ all: true })).toEqual([]);
  simulated.faults.lie = undefined;
  const { ID } = await system.info();
  simulated.loseData();
  expect((await system.info()).ID).not.toBe(ID);
  expect(await containers.list({ all: true })).toEqual([]);
});

it("a thousand engines of thirty containers each are listed within a second or two", async () => {
  const engines = Array.from(
    { length: 1_000 },
    (_, n) => new SimulatedEngine(options({ address: `tcp://node-${n}:2375`, timeoutMs: 30_000 })),
  );
  for (const { world } of engines) for (let n = 0; n < 30; n += 1) world.create(`task-${n}`, body);
  const lists = await Promise.all(engines.map((engine) => engine.open().containers.list({ all: true })));
  expect(lists.flat()).toHaveLength(30_000);
});
