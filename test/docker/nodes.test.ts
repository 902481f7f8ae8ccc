/** The healer on real engines: one that is killed, frozen, emptied or registered twice, and what is said of its node. */
import { setTimeout as delay } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { systemClock } from "../../shared/base/clock.ts";
import { systemIds } from "../../shared/base/ids.ts";
import { silentLogger } from "../../shared/base/logger.ts";
import { openDockerEngine } from "../../shared/fleet/docker/open.ts";
import { NodeEngines } from "../../shared/fleet/nodes/engines.ts";
import { NodeHealer } from "../../shared/fleet/nodes/healer.ts";
import { Hooks } from "../../shared/fleet/nodes/hooks.ts";
import { Nodes } from "../../shared/fleet/nodes/nodes.ts";
import type { Secret } from "../../shared/fleet/secrets/resolver.ts";
import type { NodeStatus } from "../../shared/kinds/node.ts";
import type { Store } from "../../shared/state/store.ts";
import { openStore, watchedPorts } from "../state/watched-ports.ts";
import { RealEngine } from "./real-engine.ts";
import { canStartEngines } from "./requirements.ts";

/** Rounds that a test has time for. */
const policy = { roundMs: 500, retryMs: 250, probeMs: 1_000, downAfterMs: 1_000, infoMs: 1_000, apartMs: 100 };
const waitMsMax = 30_000;

describe.skipIf(!canStartEngines())("the healer on real engines", () => {
  let plain: RealEngine;
  let secured: RealEngine;
  let store: Store;
  let nodes: Nodes;
  let engines: NodeEngines;
  const told: string[] = [];
  const stop = new AbortController();
  let running: Promise<void> = Promise.resolve();

  beforeAll(async () => {
    plain = await RealEngine.start({ labels: ["zone=a"] });
    secured = await RealEngine.start({ isTls: true });
    const ports = await watchedPorts();
    const { cells } = ports;
    store = openStore(ports, systemClock);
    const secrets = { resolve: async (): Promise<Secret> => ({ ...secured.tls }) };
    engines = new NodeEngines({ open: openDockerEngine, secrets, clock: systemClock });
    const common = { store, cells, clock: systemClock, ids: systemIds };
    nodes = new Nodes({ ...common, hooks: new Hooks() });
    const recorder = {
      record: async ({
        reason,
        involvedObject,
      }: {
        readonly reason: string;
        readonly involvedObject: { readonly name: string };
      }) => void told.push(`${reason} ${involvedObject.name}`),
    };
    running = new NodeHealer({ ...common, engines, logger: silentLogger, recorder, policy }).run(stop.signal);
  });
  afterAll(async () => {
    stop.abort();
    await running;
    store?.close();
    await engines?.[Symbol.asyncDispose]();
    await plain?.stop();
    await secured?.stop();
  });

  async function untilIs(name: string, holds: (status: NodeStatus | undefined) => boolean): Promise<NodeStatus | undefined> {
    const deadline = performance.now() + waitMsMax;
    for (;;) {
      const { status } = await nodes.get(name);
      if (holds(status)) return status;
      if (performance.now() > deadline) throw new Error(`node ${name} is ${JSON.stringify(status)}`);
      await delay(20);
    }
  }
  const untilState = (name: string, state: NodeStatus["state"]) => untilIs(name, (status) => status?.state === state);

  it("nodes that are registered are ready, over TCP and TLS, and say what they are", async () => {
    await nodes.register({ address: plain.address, name: "plain" });
    await nodes.register({ address: secured.address, name: "secured", tlsSecretName: "secured-tls" });
    const status = await untilState("plain", "ready");
    expect(status?.engine).toMatchObject({
      id: expect.any(String),
      dataRoot: expect.stringContaining("windlass-engine-"),
      platform: { os: "linux" },
      resources: { cpus: expect.any(Number), memory: expect.any(Number) },
      labels: { zone: "a" },
    });
    await untilState("secured", "ready");
  });

  it("one that is registered by its socket, too, is one engine, and not used twice", async () => {
    const { metadata } = await nodes.register({ address: `unix://${plain.socketPath}` });
    const status = await untilState(metadata.name, "down");
    expect(status?.message).toMatch(/^is the same engine as node plain /);
    expect((await nodes.nodes()).map((node) => node.metadata.name)).toEqual(["plain", "secured"]);
    await nodes.unregister(metadata.name);
  });

  it("one that is killed is disconnected, then down with the reason; run again, it is used again", async () => {
    await plain.kill();
    await untilState("plain", "disconnected");
    const status = await untilState("plain", "down");
    expect(status?.message).toMatch(/ECONNREFUSED/);
    await plain.run();
    await untilState("plain", "ready");
    expect(told.filter((line) => line.endsWith(" plain"))).toEqual([
      "NodeReady plain",
      "NodeNotReady plain",
      "NodeDown plain",
      "NodeReturned plain",
    ]);
  });

  it("one that hangs is given up for the time-outs, and used again when it goes on", async () => {
    secured.freeze();
    try {
      expect((await untilState("secured", "down"))?.message).toMatch(/took over 1000 ms/);
    } finally {
      secured.thaw();
    }
    await untilState("secured", "ready");
  });

  it("one that lost its data comes back as another engine", async () => {
    const before = (await nodes.get("plain")).status?.engine?.id;
    await plain.wipe();
    await untilState("plain", "disconnected");
    await plain.run();
    const status = await untilIs("plain", (now) => now?.state === "ready" && now.engine?.id !== before);
    expect(status?.conditions).toContainEqual(expect.objectContaining({ type: "EngineReplaced", status: "True" }));
    expect(told).toContain("EngineReplaced plain");
  });
});
