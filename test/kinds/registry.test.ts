/** The registry, what the builtin definitions say of their objects, and that one more definition is all a new kind takes. */
import { describe, expect, test } from "vitest";
import { clusterKind } from "../../shared/kinds/cluster.ts";
import { customIndexes } from "../../shared/kinds/custom-indexes.ts";
import type { KindDefinition } from "../../shared/kinds/definition.ts";
import { networkKind } from "../../shared/kinds/network.ts";
import { nodeKind } from "../../shared/kinds/node.ts";
import type { WindlassObject } from "../../shared/kinds/object.ts";
import { builtinKinds, createRegistry } from "../../shared/kinds/registry.ts";
import { parseFieldSelector } from "../../shared/kinds/selector.ts";
import { serviceKind } from "../../shared/kinds/service.ts";
import { taskKind, taskStateRank, taskStates } from "../../shared/kinds/task.ts";
import { decodeObject } from "../../shared/kinds/validate.ts";
import { clusterBody, networkBody, nodeBody, serviceBody, stored, taskBody, volumeKind } from "./fleet.ts";

function objectOf<O extends WindlassObject>(definition: KindDefinition<O>, body: unknown): O {
  const result = decodeObject(definition, body);
  if (!result.ok) throw new Error(JSON.stringify(result.errors));
  return stored<O>(result.object);
}

const indexed = (definition: KindDefinition, object: WindlassObject) =>
  Object.fromEntries(Object.entries(definition.indexes).map(([name, values]) => [name, values(object)]));

describe("registry", () => {
  const registry = createRegistry([...builtinKinds, volumeKind]);

  test("kinds are found by kind, by plural and by a key of the log", () => {
    expect(registry.byKind("Service")).toBe(serviceKind);
    expect(registry.byPlural("nodes")).toBe(nodeKind);
    expect(registry.byKey("services/default/web")).toBe(serviceKind);
    expect(registry.byKey("nodes/node-a")).toBe(nodeKind);
    expect(registry.definitions.map(({ plural }) => plural)).toEqual([
      "clusters",
      "containers",
      "images",
      "networks",
      "nodes",
      "services",
      "tasks",
      "volumes",
    ]);
  });

  test("what is not known is undefined, whatever its name", () => {
    for (const name of ["Pod", "constructor", "__proto__", ""]) {
      expect([registry.byKind(name), registry.byPlural(name), registry.byKey(`${name}/a`)]).toEqual([
        undefined,
        undefined,
        undefined,
      ]);
    }
  });

  test.each([
    ["a kind twice", { kind: "Node" }],
    ["a plural twice", { plural: "nodes" }],
    ["a singular that is another's short name", { singular: "svc" }],
    ["a short name that is another's plural", { shortNames: ["tasks"] }],
  ])("%s is refused", (_, part) => {
    expect(() => createRegistry([...builtinKinds, { ...volumeKind, ...part }])).toThrow(/are both named/);
  });

  test("a foreign kind is validated, printed, selected and indexed by its definition alone", () => {
    const definition: KindDefinition = registry.byPlural("volumes") ?? nodeKind;
    const volume = objectOf(definition, { kind: "Volume", metadata: { name: "v" }, spec: { nodeName: "node-a" } });
    expect(volume.spec).toEqual({ sizeGb: 10, nodeName: "node-a" });
    expect(definition.cells(volume)).toEqual([10]);
    expect(indexed(definition, volume)).toEqual({ node: ["node-a"] });
    const selector = parseFieldSelector(definition, "spec.nodeName=node-a");
    expect(selector.ok && selector.selector.matches(volume)).toBe(true);
    expect(decodeObject(definition, { metadata: { name: "v" }, spec: { sizeGb: 101 } })).toMatchObject({
      errors: [{ field: "spec.sizeGb" }],
    });
  });
});

describe("what a definition says of its objects", () => {
  const examples: readonly (readonly [string, KindDefinition, unknown, readonly unknown[], Record<string, readonly string[]>])[] =
    [
      ["Cluster", clusterKind, clusterBody, ["creating", "168h", "", ""], {}],
      ["Network", networkKind, networkBody, ["bridge", false, ""], {}],
      [
        "Node",
        nodeKind,
        nodeBody,
        ["unknown", "active", "worker", "tcp://127.0.0.1:2375", "accepted", "", "", ""],
        { role: ["worker"], membership: ["accepted"], address: ["127.0.0.1:2375"], engine: [] },
      ],
      ["Service", serviceKind, serviceBody, ["replicated", "0/3", "busybox:latest", 0, "8080/tcp", ""], { network: ["front"] }],
      [
        "Task",
        taskKind,
        taskBody,
        ["web", 1, "node-a", "running", "running", "started", "0123456789ab", "busybox:latest"],
        {
          service: ["default/web"],
          node: ["node-a"],
          slot: ["default/web/1"],
          desiredState: ["running"],
          taskState: ["running"],
          network: ["front"],
        },
      ],
    ];
  test.each(examples)("%s: its cells and indexes", (_, definition, body, cells, indexes) => {
    const object = objectOf(definition, body);
    expect(definition.cells(object)).toEqual(cells);
    expect(cells).toHaveLength(definition.columns.length);
    expect(indexed(definition, object)).toEqual(indexes);
  });

  test("a task that belongs nowhere stands in no index of service, node or slot, and is new", () => {
    const task = objectOf(taskKind, {
      metadata: { name: "t" },
      spec: { template: { spec: { image: "busybox", networks: ["a", "a", "b"] } } },
    });
    expect(indexed(taskKind, task)).toEqual({
      service: [],
      node: [],
      slot: [],
      desiredState: ["running"],
      taskState: ["new"],
      network: ["a", "b"],
    });
  });

  test("replicas are those that are ready of those that should be; in mode global the nodes that fit", () => {
    const replicas = (mode: string, status: object) =>
      serviceKind.cells(objectOf(serviceKind, { ...serviceBody, spec: { ...(serviceBody["spec"] as object), mode }, status }))[1];
    expect(replicas("replicated", { replicas: 5, readyReplicas: 2 })).toBe("2/3");
    expect(replicas("global", { replicas: 5, readyReplicas: 2 })).toBe("2/5");
  });

  test("task states are swarmkit's, in its order", () => {
    expect(taskStates.map(taskStateRank)).toEqual(taskStates.map((_, index) => index));
    expect(taskStateRank("running")).toBeGreaterThan(taskStateRank("assigned"));
    expect(taskStateRank("orphaned")).toBe(13);
  });
});

describe("custom indexes", () => {
  const annotated = (annotations: Record<string, string>) => ({
    metadata: { ...stored<WindlassObject>({ metadata: { name: "a" } } as never).metadata, annotations },
  });

  test("annotations of index.windlass.dev put an object under their values", () => {
    const indexes = customIndexes(
      annotated({ "index.windlass.dev/team": "red, blue,,red", "index.windlass.dev/empty": "", other: "x" }),
    );
    expect({ ...indexes }).toEqual({ team: ["red", "blue"], empty: [] });
  });

  test("an index that no annotation names is undefined, whatever its name", () => {
    expect(customIndexes(annotated({}))["constructor"]).toBeUndefined();
    expect(customIndexes(annotated({ "index.windlass.dev/constructor": "x" }))["constructor"]).toEqual(["x"]);
  });
});
