/** Real engines that freeze, die, come back and lose their data; the ways to them; secrets that are rotated. */

import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { systemClock } from "../../shared/base/clock.ts";
import { openDockerEngine } from "../../shared/fleet/docker/open.ts";
import type { TlsMaterial } from "../../shared/fleet/engine/tls.ts";
import { image } from "../conformance/engine-fixture.ts";
import { runsForReal } from "../fleet/commands.ts";
import { RealEngine } from "./real-engine.ts";
import { canStartEngines } from "./requirements.ts";

/** As PID 1, a shell that traps SIGTERM ends at once when a new dockerd cleans up after a killed one. */
const body = { Image: image, Cmd: runsForReal };

describe.skipIf(!canStartEngines())("docker faults", () => {
  let plain: RealEngine;
  let secured: RealEngine;
  beforeAll(async () => {
    [plain, secured] = await Promise.all([RealEngine.start({ labels: ["zone=a"] }), RealEngine.start({ isTls: true })]);
  });
  afterAll(() => Promise.all([plain?.stop(), secured?.stop()]));

  it("engines of one machine are each their own, with their labels", async () => {
    await using one = await plain.open();
    await using other = await secured.open();
    const [first, second] = await Promise.all([one.system.info(), other.system.info()]);
    expect(first.ID).not.toBe(second.ID);
    expect(first.Labels).toEqual(["zone=a"]);
    await one.containers.create({ name: "only-here", body });
    await expect(other.containers.inspect("only-here")).rejects.toMatchObject({ name: "NoSuchContainerError" });
    await one.containers.remove("only-here");
  });

  it("over a unix socket it is the same engine", async () => {
    await using tcp = await plain.open();
    await using unix = await openDockerEngine({ address: `unix://${plain.socketPath}`, clock: systemClock });
    expect((await unix.system.info()).ID).toBe((await tcp.system.info()).ID);
    const attached = await unix.raw.upgrade({ method: "POST", path: "/containers/none/attach?stream=1", headers: {} });
    expect(attached).toMatchObject({ kind: "answered", answer: { status: 404 } });
  });

  it("TLS: without a client's certificate, or with another authority, there is no way in; a rotated secret holds at once", async () => {
    const good: TlsMaterial = secured.tls ?? {};
    let material: TlsMaterial = {};
    const { address } = secured;
    await using engine = await openDockerEngine({ address, clock: systemClock, tls: async () => material });
    for (const bad of [{}, { ca: good.ca ?? "" }]) {
      material = bad;
      await expect(engine.system.ping(), JSON.stringify(Object.keys(bad))).rejects.toMatchObject({
        name: "EngineUnreachableError",
      });
    }
    material = good;
    expect((await engine.system.ping()).ApiVersion).toMatch(/^1\./);
    material = {};
    await expect(engine.system.ping()).rejects.toMatchObject({ name: "EngineUnreachableError", mayHaveHappened: false });
  });

  it("frozen: a time-out; thawed: as before", async () => {
    await using engine = await plain.open();
    await engine.system.ping();
    plain.freeze();
    try {
      const late = { name: "EngineTimeoutError", timeoutMs: 300, mayHaveHappened: true };
      await expect(engine.system.ping({ timeoutMs: 300 })).rejects.toMatchObject(late);
      await expect(engine.runs.start("abc", { timeoutMs: 300 })).rejects.toMatchObject(late);
    } finally {
      plain.thaw();
    }
    expect((await engine.system.ping()).ApiVersion).toMatch(/^1\./);
  });

  it("killed: streams are cut, calls unreachable; run again: the same engine, its containers there, ended", async () => {
    await using engine = await plain.open();
    const { ID } = await engine.system.info();
    const { Id } = await engine.containers.create({ name: "survivor", body });
    await engine.runs.start(Id);
    const events = await engine.system.events();
    const listening = (async () => {
      for await (const _ of events);
    })();
    const isCut = expect(listening).rejects.toMatchObject({ name: "EngineCutError" });
    await plain.kill();
    await isCut;
    await expect(engine.system.ping()).rejects.toMatchObject({ name: "EngineUnreachableError" });
    await plain.run();
    expect((await engine.system.info()).ID).toBe(ID);
    expect((await engine.containers.inspect("survivor")).Id).toBe(Id);
    await expect(engine.containers.create({ name: "survivor", body })).rejects.toMatchObject({
      name: "NameTakenError",
      holder: Id,
    });
    await engine.containers.remove(Id, { force: true });
  });

  it("wiped: another engine at the same address, empty but for its image", async () => {
    await using engine = await plain.open();
    const { ID } = await engine.system.info();
    await plain.wipe();
    await plain.run();
    expect((await engine.system.info()).ID).not.toBe(ID);
    expect(await engine.containers.list({ all: true })).toEqual([]);
  });
});
