/** One call on many nodes: bounded, in order, and nobody waits for who hangs. */
import { describe, expect, it } from "vitest";
import { systemClock } from "../../shared/base/clock.ts";
import type { Engine } from "../../shared/fleet/engine.ts";
import { NoSuchExecError } from "../../shared/fleet/engine-errors.ts";
import { NodeError } from "../../shared/fleet/fleet/errors.ts";
import { onAllNodes, onFirstNode } from "../../shared/fleet/fleet/fan-out.ts";
import { NodeEngines } from "../../shared/fleet/nodes/engines.ts";
import type { Node } from "../../shared/kinds/node.ts";
import { nodeAt } from "./objects.ts";

const secrets = { resolve: () => Promise.reject(new Error("none")) };
/** Engines that are asked for nothing but by `call`. */
const engines = new NodeEngines({ open: async ({ address }) => ({ address }) as Engine, secrets, clock: systemClock });
const fleetOf = (count: number): readonly Node[] =>
  Array.from({ length: count }, (_, place) => nodeAt(`node-${String(place).padStart(4, "0")}`, {}));
const absent = () => Promise.reject(new NoSuchExecError(404, "No such exec instance"));
const hanging = (signal: AbortSignal | undefined): Promise<never> =>
  new Promise((_, reject) => void signal?.addEventListener("abort", () => reject(signal.reason), { once: true }));

describe("all nodes", () => {
  it("1,000 are asked, 256 at once at the most, and answer in their order", async () => {
    let [now, most] = [0, 0];
    const call = async (_engine: Engine, _call: unknown, { metadata }: Node) => {
      now += 1;
      most = Math.max(most, now);
      await new Promise(setImmediate);
      now -= 1;
      return metadata.name;
    };
    const nodes = fleetOf(1_000);
    const { values, errors } = await onAllNodes({ command: "ask", nodes, engines, call });
    expect(values.map(({ value }) => value)).toEqual(nodes.map(({ metadata }) => metadata.name));
    expect([most, errors.length]).toEqual([256, 0]);
  });

  it("each gets the time-out; a failure, also a 404, is told by the node's name", async () => {
    const given: unknown[] = [];
    const call = async (_engine: Engine, { timeoutMs }: { readonly timeoutMs?: number }, { metadata }: Node) => {
      given.push(timeoutMs);
      return metadata.name === "node-0001" ? await absent() : metadata.name;
    };
    const { values, errors } = await onAllNodes({ command: "ask", nodes: fleetOf(3), engines, call, timeoutMs: 7 });
    expect(given).toEqual([7, 7, 7]);
    expect(values.map(({ value }) => value)).toEqual(["node-0000", "node-0002"]);
    expect(errors.map(({ nodeName, command, cause }) => [nodeName, command, cause instanceof NoSuchExecError])).toEqual([
      ["node-0001", "ask", true],
    ]);
  });

  it("a caller that leaves gets its own reason, and no further node is asked", async () => {
    const leaving = new AbortController();
    let asked = 0;
    const call = (_engine: Engine, { signal }: { readonly signal?: AbortSignal }) => {
      asked += 1;
      if (asked === 256) leaving.abort(new Error("left"));
      return hanging(signal);
    };
    const all = onAllNodes({ command: "ask", nodes: fleetOf(1_000), engines, call, signal: leaving.signal });
    await expect(all).rejects.toThrow("left");
    expect(asked).toBe(256);
  });
});

describe("the first node", () => {
  it("that has a value wins; the others are left, those that hang too", async () => {
    const left: string[] = [];
    const call = (_engine: Engine, { signal }: { readonly signal?: AbortSignal }, { metadata }: Node) => {
      if (metadata.name === "node-0002") return Promise.resolve("here");
      return hanging(signal).finally(() => left.push(metadata.name));
    };
    const found = await onFirstNode({ command: "ask", nodes: fleetOf(4), engines, call });
    expect([found?.node.metadata.name, found?.value]).toEqual(["node-0002", "here"]);
    await expect.poll(() => left.sort()).toEqual(["node-0000", "node-0001", "node-0003"]);
  });

  it("404 of all is nothing; with one that failed, it can't be said that there is nothing", async () => {
    const nodes = fleetOf(3);
    expect(await onFirstNode({ command: "ask", nodes, engines, call: absent })).toBeUndefined();
    expect(await onFirstNode({ command: "ask", nodes: [], engines, call: absent })).toBeUndefined();
    const call = (_engine: Engine, _call: unknown, { metadata }: Node) =>
      metadata.name === "node-0001" ? Promise.reject(new Error("broken")) : absent();
    await expect(onFirstNode({ command: "ask", nodes, engines, call })).rejects.toThrow(NodeError);
  });
});
