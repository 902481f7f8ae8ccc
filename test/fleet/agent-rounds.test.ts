/** Rounds of agents beside each other: at rest they write nothing, and what one is doing on a node the others leave to it. */
import { describe, expect, it } from "vitest";
import type { Engine } from "../../shared/fleet/engine.ts";
import type { Cells } from "../../shared/log/ports.ts";
import { AgentFleet } from "./agent-fleet.ts";

/** Cells that refuse all puts after so many. */
function failingAfter(cells: Cells, puts: number): Cells {
  let left = puts;
  return {
    get: (...args) => cells.get(...args),
    delete: (...args) => cells.delete(...args),
    list: (...args) => cells.list(...args),
    put: (...args) => {
      left -= 1;
      return left < 0 ? Promise.reject(new Error("the process is gone")) : cells.put(...args);
    },
  };
}

/** Creates of a node's engine wait until they may go on; how often one was asked for. */
function gated(address: string) {
  const { promise: gate, resolve: goOn } = Promise.withResolvers<void>();
  const seen = { creates: 0 };
  const wrap = (real: Engine): Engine => {
    const { containers } = real;
    const create: typeof containers.create = async (...given) => {
      seen.creates += 1;
      await gate;
      return await containers.create(...given);
    };
    return real.address === address ? { ...real, containers: { ...containers, create } } : real;
  };
  return { seen, wrap, open: goOn };
}

describe("rounds", () => {
  it("at rest: nothing is asked of the cells, however many nodes there are", async () => {
    await using fleet = await AgentFleet.open();
    for (const node of ["a", "b", "c"]) {
      await fleet.addNode(node);
      await fleet.addTask(`web.${node}`, { node });
    }
    await fleet.agents().round();
    const refuse = (): Promise<never> => Promise.reject(new Error("nothing is to be asked"));
    const agents = fleet.agents({ cells: { get: refuse, put: refuse, delete: refuse, list: refuse } });
    expect(await agents.round()).toEqual({ again: false, nodes: 3, failed: [] });
  });

  it("what one has begun on a node another leaves to it, and goes on with the other nodes", async () => {
    await using fleet = await AgentFleet.open();
    await fleet.addNode("a");
    await fleet.addNode("b");
    await fleet.addTask("slow", { node: "a" });
    const { seen, wrap, open } = gated("tcp://a:2375");
    fleet.wrap = wrap;
    const first = fleet.agents().round();
    await fleet.until(() => seen.creates === 1);
    await fleet.addTask("fine", { node: "b" });
    expect(await fleet.agents().round()).toEqual({ again: true, nodes: 2, failed: [] });
    expect([await fleet.state("slow"), await fleet.state("fine"), seen.creates]).toEqual(["preparing", "running", 1]);
    open();
    await first;
    expect([await fleet.state("slow"), seen.creates]).toEqual(["running", 1]);
    expect(await fleet.problems()).toEqual([]);
  });

  it("one whose process died in the middle is waited for a minute, and no longer", async () => {
    await using fleet = await AgentFleet.open();
    await fleet.addNode("a");
    await fleet.addTask("one");
    await fleet.agents({ cells: failingAfter(fleet.cells, 1) }).round();
    await fleet.addTask("other");
    const agents = fleet.agents();
    expect(await agents.round()).toMatchObject({ again: true });
    expect(await fleet.state("other")).toBe("assigned");
    fleet.clock.leap(60_000);
    expect(await agents.round()).toMatchObject({ again: false });
    expect(await fleet.state("other")).toBe("running");
  });
});
