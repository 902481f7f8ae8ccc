/** Prunes of all nodes: what they take, what they leave alone, and what is added up. */
import { afterEach, describe, expect, it } from "vitest";
import type { RawRequest } from "../../shared/fleet/engine/raw.ts";
import type { OpenEngine } from "../../shared/fleet/nodes/engines.ts";
import { type Front, openFront } from "./front-host.ts";
import { rawAnswer, type ScriptedEngine, scriptedEngine } from "./scripted-engine.ts";

let front: Front | undefined;
afterEach(() => front?.close());

async function open(
  versions: { readonly MinAPIVersion: string; readonly ApiVersion: string },
  answer: object,
): Promise<ScriptedEngine> {
  const engine = scriptedEngine({
    versions,
    forward: async ({ path }) => (path.includes("/prune") ? rawAnswer(200, answer) : undefined),
  });
  front = await openFront({ nodes: { "node-a": "tcp://10.0.0.1:2375" }, open: engine.open });
  return engine;
}
const old = { MinAPIVersion: "1.12", ApiVersion: "1.41" };
const recent = { MinAPIVersion: "1.24", ApiVersion: "1.50" };
const newest = { MinAPIVersion: "1.44", ApiVersion: "1.52" };
const filtersOf = ({ path }: RawRequest): unknown => JSON.parse(new URLSearchParams(path.split("?")[1]).get("filters") ?? "null");
const prunes = ({ asked }: ScriptedEngine) => asked.filter(({ path }) => path.includes("/prune"));

describe("prune", () => {
  it("of containers leaves those of tasks, and adds up what the nodes say", async () => {
    const engine = await open(old, { ContainersDeleted: ["1".repeat(64)], SpaceReclaimed: 7 });
    const filters = encodeURIComponent('{"label":["a"],"label!":["b"]}');
    const answer = await front?.ask("POST", `/v1.41/containers/prune?filters=${filters}`);
    expect([answer?.status, answer?.json()]).toEqual([200, { ContainersDeleted: ["1".repeat(64)], SpaceReclaimed: 7 }]);
    expect(prunes(engine).map(filtersOf)).toEqual([{ label: ["a"], "label!": ["b", "windlass.dev/task"] }]);
  });

  it("of containers looks at those that are gone side by side", async () => {
    const ids = Array.from({ length: 4 }, (_, place) => String(place).repeat(64));
    const engine = scriptedEngine({
      versions: old,
      forward: async ({ path }) => (path.includes("/prune") ? rawAnswer(200, { ContainersDeleted: ids }) : undefined),
    });
    const together = Promise.withResolvers<void>();
    const looked = new Set<string>();
    const wrapped: OpenEngine = async (options) => {
      const inner = await engine.open(options);
      const inspect: typeof inner.containers.inspect = async (id, how, call) => {
        looked.add(id);
        if (looked.size === ids.length) together.resolve();
        await together.promise;
        return await inner.containers.inspect(id, how, call);
      };
      return { ...inner, containers: { ...inner.containers, inspect } };
    };
    front = await openFront({ nodes: { "node-a": "tcp://10.0.0.1:2375" }, open: wrapped });
    const answer = await front.ask("POST", "/v1.41/containers/prune");
    expect([answer.status, answer.json()]).toEqual([200, { ContainersDeleted: ids, SpaceReclaimed: 0 }]);
    expect([...looked].sort()).toEqual(ids);
  });

  it("of networks names their node", async () => {
    await open(old, { NetworksDeleted: ["front"] });
    expect((await front?.ask("POST", "/v1.41/networks/prune"))?.json()).toEqual({
      NetworksDeleted: ["node-a/front"],
      SpaceReclaimed: 0,
    });
  });

  it("of volumes: an engine that would take those with names, too, is not asked to, where the client means the others", async () => {
    const engine = await open(old, { VolumesDeleted: ["named"] });
    for (const Name of ["named", "a".repeat(64)]) await engine.simulated.open().volumes.create({ Name });
    const answer = await front?.ask("POST", "/v1.50/volumes/prune");
    expect(answer?.json()).toEqual({ VolumesDeleted: [`node-a/${"a".repeat(64)}`], SpaceReclaimed: 0 });
    expect(prunes(engine)).toEqual([]);
    expect((await engine.simulated.open().volumes.list()).map(({ Name }) => Name)).toEqual(["named"]);
  });

  it.each([
    ["an older client means all, and so does the engine", old, "1.41", "", null],
    ["a client that says all", old, "1.50", '{"all":["true"]}', {}],
    ["an engine that speaks no version so old is told what its client means", newest, "1.41", "", { all: ["true"] }],
    ["a newer engine is told that a client says all", recent, "1.50", '{"all":["true"]}', { all: ["true"] }],
    ["a newer engine knows what a newer client means", recent, "1.50", "", {}],
  ] as const)("of volumes: %s", async (_, versions, client, filters, sent) => {
    const engine = await open(versions, { VolumesDeleted: [] });
    await front?.ask("POST", `/v${client}/volumes/prune?filters=${encodeURIComponent(filters)}`);
    expect(prunes(engine).map(filtersOf)).toEqual([sent ?? {}]);
  });
});
