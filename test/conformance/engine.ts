/** The contract of the port Engine (shared/fleet/engine.ts), a test a sentence: what any adapter and any engine must do. */
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import type { EngineEvent } from "../../shared/fleet/engine.ts";
import { containerCases } from "./engine-containers.ts";
import { EngineFixture, type OpenEngine, type OpenedEngine, rowsOf, uniqueName } from "./engine-fixture.ts";
import { imageCases } from "./engine-images.ts";
import { networkCases } from "./engine-networks.ts";
import { rawCases } from "./engine-raw.ts";
import { runCases } from "./engine-runs.ts";
import { streamCases } from "./engine-streams.ts";

export function engineConformance(name: string, open: OpenEngine): void {
  describe(`engine: ${name}`, () => {
    let opened: OpenedEngine;
    const fixture = new EngineFixture(() => opened);
    beforeAll(async () => {
      opened = await open();
    });
    afterEach(() => fixture.clean());
    afterAll(() => opened?.close());

    describe("system", () => systemCases(fixture));
    describe("containers", () => containerCases(fixture));
    describe("runs", () => runCases(fixture));
    describe("streams", () => streamCases(fixture));
    describe("images", () => imageCases(fixture));
    describe("networks and volumes", () => networkCases(fixture));
    describe("raw", () => rawCases(fixture));
  });
}

function systemCases(fixture: EngineFixture): void {
  it("ping: the newest version that it speaks", async () => {
    expect((await fixture.engine.system.ping()).ApiVersion).toMatch(/^1\.\d+$/);
  });

  it("info: who it is and what it has; the same id each time", async () => {
    const { system } = fixture.engine;
    const info = await system.info();
    expect(info.ID).not.toBe("");
    expect(info.NCPU).toBeGreaterThan(0);
    expect(info.MemTotal).toBeGreaterThan(0);
    expect((await system.info()).ID).toBe(info.ID);
  });

  it("info: counts containers by their state", async () => {
    const before = await fixture.engine.system.info();
    await fixture.create();
    await fixture.run();
    const after = await fixture.engine.system.info();
    expect(after.Containers - before.Containers).toBe(2);
    expect(after.ContainersRunning - before.ContainersRunning).toBe(1);
    expect(after.ContainersStopped - before.ContainersStopped).toBe(1);
  });

  it("version: versions of the API, from and to", async () => {
    const version = await fixture.engine.system.version();
    expect(version.ApiVersion).toBe((await fixture.engine.system.ping()).ApiVersion);
    expect(version.MinAPIVersion).toMatch(/^1\.\d+$/);
    expect(version.Os).toBe("linux");
  });

  it("events: what happens to containers, in order, until the reader leaves", async () => {
    const label = uniqueName("events");
    const rows = await fixture.engine.system.events({ filters: { type: ["container"], label: [`test=${label}`] } });
    const id = await fixture.run(["true"], { Labels: { test: label } });
    const seen: EngineEvent[] = [];
    for await (const event of rows) {
      seen.push(event);
      if (event.Action === "die") break;
    }
    expect(seen.map(({ Type, Action }) => `${Type} ${Action}`)).toEqual(["container create", "container start", "container die"]);
    expect(new Set(seen.map(({ Actor }) => Actor.ID))).toEqual(new Set([id]));
    expect(seen.at(-1)?.Actor.Attributes).toMatchObject({ exitCode: "0", test: label });
  });

  it("events: since and until give what was, and end", async () => {
    const label = uniqueName("past");
    const start = String(Math.floor(Date.now() / 1_000) - 1);
    await fixture.finish(["true"], { Labels: { test: label } });
    const until = (Date.now() / 1_000 + 0.5).toFixed(3);
    const rows = await fixture.engine.system.events({ since: start, until, filters: { label: [`test=${label}`] } });
    expect((await rowsOf(rows)).map(({ Action }) => Action)).toEqual(expect.arrayContaining(["create", "start", "die"]));
  });

  it("events: close ends a stream that is waited for; the signal ends it with its reason", async () => {
    const filters = { label: [uniqueName("never")] };
    const closed = await fixture.engine.system.events({ filters });
    const waiting = rowsOf(closed);
    closed.close();
    await expect(waiting).rejects.toThrow();
    const leave = new AbortController();
    const left = rowsOf(await fixture.engine.system.events({ filters }, { signal: leave.signal }));
    leave.abort(new Error("the caller left"));
    await expect(left).rejects.toThrow("the caller left");
  });

  it("events: a silence of over idleMs is a time-out", async () => {
    const rows = await fixture.engine.system.events({ filters: { label: [uniqueName("never")] } }, { idleMs: 50 });
    await expect(rowsOf(rows)).rejects.toMatchObject({ name: "EngineTimeoutError", timeoutMs: 50 });
  });

  it("a signal that was given already ends the call before it begins", async () => {
    const signal = AbortSignal.abort(new Error("not wanted"));
    await expect(fixture.engine.system.ping({ signal })).rejects.toThrow("not wanted");
  });
}
