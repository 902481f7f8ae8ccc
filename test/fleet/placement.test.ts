/** Placement: each rule refuses and says so, each strategy chooses as it promises. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { meets } from "../../shared/fleet/placement/constraints.ts";
import { Heap } from "../../shared/fleet/placement/heap.ts";
import { Placement, type PlacementOptions } from "../../shared/fleet/placement/placement.ts";
import { failuresMax } from "../../shared/fleet/placement/strategies.ts";
import { parseConstraint } from "../../shared/kinds/constraint.ts";
import type { Node } from "../../shared/kinds/node.ts";
import { ago, nodeAt, now, templateOf } from "./objects.ts";

const service = "default/web";
const nodesNamed = (...names: readonly string[]): Node[] => names.map((name) => nodeAt(name));
const place = (nodes: readonly Node[], options: Partial<PlacementOptions> = {}) =>
  new Placement({ nodes, strategy: "spread", seed: 1, hasAffinities: true, now, ...options });
const engine = (cpus: number, memory: number) => ({ engine: { resources: { cpus, memory } } });
const counts = (names: readonly string[]): Record<string, number> => {
  const found: Record<string, number> = {};
  for (const name of names) found[name] = (found[name] ?? 0) + 1;
  return found;
};

describe("rules", () => {
  const mebi = 2 ** 20;
  it("a disabled node keeps what belongs on it, and takes new tasks again when its time is over", () => {
    const tenant = { service, template: templateOf() };
    const disabled = place([nodeAt("a", { disabledUntil: ago(-1) })]);
    expect([disabled.eligible(tenant), disabled.place(tenant, 1).nodes]).toEqual([["a"], []]);
    expect(place([nodeAt("a", { disabledUntil: ago(0) })]).place(tenant, 1).nodes).toEqual(["a"]);
  });

  it.each([
    ["a node that is not accepted", nodeAt("a", { spec: { membership: "pending" } }), {}, "1 node not accepted"],
    [
      "a paused node",
      nodeAt("a", { spec: { availability: "pause" } }),
      {},
      "1 node not available for new tasks (pause or drain)",
    ],
    [
      "a drained node",
      nodeAt("a", { spec: { availability: "drain" } }),
      {},
      "1 node not available for new tasks (pause or drain)",
    ],
    ["a node that does not answer", nodeAt("a", { state: "disconnected" }), {}, "1 node not ready"],
    ["a node that is down", nodeAt("a", { state: "down" }), {}, "1 node not ready"],
    ["a node that is disabled", nodeAt("a", { disabledUntil: ago(-1) }), {}, "1 node disabled for a time after failures"],
    [
      "another platform",
      nodeAt("a", { engine: { platform: { os: "linux", architecture: "aarch64" } } }),
      { placement: { platforms: [{ os: "linux", architecture: "amd64" }] } },
      "unsupported platform on 1 node",
    ],
    [
      "a constraint",
      nodeAt("a", { labels: { zone: "b" } }),
      { constraints: ["node.labels.zone==a"] },
      "scheduling constraints not satisfied on 1 node",
    ],
    [
      "too little memory",
      nodeAt("a", engine(4, 100 * mebi)),
      { resources: { reservations: { memory: "101Mi" } } },
      "insufficient memory on 1 node",
    ],
    [
      "too few CPUs",
      nodeAt("a", engine(0.5, 100 * mebi)),
      { resources: { reservations: { cpus: 0.6 } } },
      "insufficient cpus on 1 node",
    ],
  ])("%s is refused, and told", (_, node, spec, reason) => {
    expect(place([node]).place({ service, template: templateOf(spec) }, 1)).toEqual({
      nodes: [],
      refusal: `no suitable node (${reason})`,
    });
  });

  it("a task that fits nowhere is told which rule refused how many nodes", () => {
    const nodes = [
      nodeAt("a", { spec: { availability: "drain" } }),
      nodeAt("b", { state: "down" }),
      nodeAt("c", { state: "unknown" }),
      nodeAt("d", engine(4, 2 ** 20)),
    ];
    const { refusal } = place(nodes).place(
      { service, template: templateOf({ resources: { reservations: { memory: "2Mi" } } }) },
      3,
    );
    expect(refusal).toBe(
      "no suitable node (1 node not available for new tasks (pause or drain); 2 nodes not ready; insufficient memory on 1 node)",
    );
    expect(place([]).place({ service, template: templateOf() }, 1).refusal).toBe("no suitable node (there are no nodes)");
  });

  it("reservations fill a node to the last CPU, and no further", () => {
    const template = templateOf({ resources: { reservations: { cpus: 0.1 } } });
    const { nodes, refusal } = place([nodeAt("a", engine(0.3, 0))]).place({ service, template }, 4);
    expect([nodes.length, refusal]).toEqual([3, "no suitable node (insufficient cpus on 1 node)"]);
  });

  it("an engine that has not told what the machine has refuses no reservation", () => {
    const template = templateOf({ resources: { reservations: { cpus: 100, memory: "1Ti" } } });
    expect(place(nodesNamed("a")).place({ service, template }, 2).nodes).toEqual(["a", "a"]);
  });

  it("a host port is taken once a node and protocol", () => {
    const port = (protocol: string) => templateOf({ ports: [{ containerPort: 53, hostPort: 53, protocol }] });
    const placement = place(nodesNamed("a", "b"));
    expect(placement.place({ service, template: port("udp") }, 3)).toEqual({
      nodes: ["a", "b"],
      refusal: "no suitable node (host port already in use on 2 nodes)",
    });
    expect(placement.place({ service, template: port("tcp") }, 1).nodes).toEqual(["a"]);
  });

  it("maxReplicas bounds the service's tasks on a node, not those of others", () => {
    const template = templateOf({ placement: { maxReplicas: 2 } });
    const placement = place(nodesNamed("a"));
    expect(placement.place({ service: "default/other", template }, 2).nodes).toHaveLength(2);
    expect(placement.place({ service, template }, 3)).toEqual({
      nodes: ["a", "a"],
      refusal: "no suitable node (max replicas per node limit exceeded on 1 node)",
    });
  });

  it.each([
    ["node.labels.zone==A", true],
    ["node.labels.zone!=a", false],
    ["node.labels.absent!=a", true],
    ["node.labels.constructor==x", false],
    ["engine.labels.disk==ssd", true],
    ["node.name==n1", true],
    ["node.id==uid-n1", true],
    ["node.hostname==host1", true],
    ["node.role==worker", true],
    ["node.platform.os==linux", true],
    ["node.platform.arch==amd64", true],
    ["node.ip==10.1.2.3", true],
    ["node.ip==10.1.0.0/16", true],
    ["node.ip==10.2.0.0/16", false],
    ["node.ip!=10.2.0.0/16", true],
    ["node.ip==10.1.0.0/99", false],
    ["node.ip==nonsense", false],
  ])("constraint %s: %s", (text, expected) => {
    const node = nodeAt("n1", {
      spec: { address: "tcp://10.1.2.3:2375" },
      labels: { zone: "a" },
      engine: { hostname: "host1", labels: { disk: "ssd" }, platform: { os: "linux", architecture: "x86_64" } },
    });
    const constraint = parseConstraint(text);
    if (typeof constraint === "string") throw new Error(constraint);
    expect(meets(node, constraint)).toBe(expected);
  });
});

describe("strategies", () => {
  it("spread: the fewest tasks of the service first, then the fewest tasks", () => {
    const placement = place(nodesNamed("a", "b", "c"));
    placement.room("a")?.join({ service: "default/other", template: templateOf() });
    placement.room("b")?.join({ service, template: templateOf() });
    expect(placement.place({ service, template: templateOf() }, 4).nodes).toEqual(["c", "a", "b", "c"]);
  });

  it("spread: evenly over the values of a preference, then within", () => {
    const zoned = ["a1", "a2", "a3", "b1"].map((name) => nodeAt(name, { labels: { zone: name.slice(0, 1) } }));
    const template = templateOf({ placement: { preferences: [{ spread: "node.labels.zone" }] } });
    expect(counts(place(zoned).place({ service, template }, 6).nodes)).toEqual({ a1: 1, a2: 1, a3: 1, b1: 3 });
  });

  it("spread: a preference's value that is full leaves the others", () => {
    const zoned = [nodeAt("a1", { labels: { zone: "a" } }), nodeAt("b1", { labels: { zone: "b" } })];
    const template = templateOf({
      placement: { preferences: [{ spread: "node.labels.zone" }] },
      ports: [{ containerPort: 1, hostPort: 1 }],
    });
    expect(place(zoned).place({ service, template }, 3).nodes).toEqual(["a1", "b1"]);
  });

  it("spread: where the service failed again and again comes last", () => {
    const placement = place(nodesNamed("a", "b"));
    for (let count = 0; count < failuresMax; count += 1) placement.room("a")?.fail(service);
    expect(placement.place({ service, template: templateOf() }, 3).nodes).toEqual(["b", "b", "b"]);
    expect(placement.place({ service: "default/other", template: templateOf() }, 1).nodes).toEqual(["a"]);
  });

  it("affinities: beside what is wanted, away from what is not, but placed in any case", () => {
    const placement = place(nodesNamed("a", "b"));
    placement.room("b")?.join({ service: "default/db", template: templateOf({ image: "postgres:18" }, { tier: "data" }) });
    const near = (affinity: string) => placement.place({ service, template: templateOf({ affinities: [affinity] }) }, 1).nodes;
    expect(["service==db", "image==postgres:18", "labels.tier==data"].map(near)).toEqual([["b"], ["b"], ["b"]]);
    expect(["service!=db", "image==mysql:9"].map(near)).toEqual([["a"], ["a"]]);
  });

  it("binpack: the fullest that has room", () => {
    const nodes = ["a", "b"].map((name) => nodeAt(name, engine(1, 2 ** 30)));
    const placement = place(nodes, { strategy: "binpack" });
    const template = templateOf({ resources: { reservations: { cpus: 0.4 } } });
    placement.room("b")?.hold({ service: undefined, template: templateOf({ resources: { reservations: { cpus: 0.2 } } }) });
    expect(placement.place({ service, template }, 5)).toEqual({
      nodes: ["b", "b", "a", "a"],
      refusal: "no suitable node (insufficient cpus on 2 nodes)",
    });
  });

  it("roundRobin: the next by name after the last", () => {
    const placement = place(nodesNamed("a", "b", "c"), { strategy: "roundRobin" });
    placement.follow(service, "b");
    expect(placement.place({ service, template: templateOf() }, 4).nodes).toEqual(["c", "a", "b", "c"]);
    expect(placement.place({ service, template: templateOf() }, 1).nodes).toEqual(["a"]);
  });

  it("random: the same seed gives the same, and all nodes are reached", () => {
    const draw = (seed: number) =>
      place(nodesNamed("a", "b", "c"), { strategy: "random", seed }).place({ service, template: templateOf() }, 60).nodes;
    expect(draw(7)).toEqual(draw(7));
    expect(draw(7)).not.toEqual(draw(8));
    expect(Object.keys(counts(draw(7))).sort()).toEqual(["a", "b", "c"]);
  });

  it("a template names its strategy; a function is a caller's own", () => {
    const template = templateOf({ placement: { strategy: "binpack" } });
    expect(place(nodesNamed("a", "b")).place({ service, template }, 2).nodes).toEqual(["a", "a"]);
    const last = place(nodesNamed("a", "b"), {
      strategy: ({ rooms }) => ({ next: () => rooms.at(-1), took: () => undefined, drop: () => undefined }),
    });
    expect(last.place({ service, template: templateOf() }, 2).nodes).toEqual(["b", "b"]);
  });
});

describe("properties", () => {
  const names = ["a", "b", "c", "d", "e"];
  const strategy = fc.constantFrom("spread", "binpack", "random", "roundRobin");

  it("no strategy overfills a node, and none stops while a node has room", () => {
    const world = fc.record({
      sizes: fc.array(fc.integer({ min: 0, max: 8 }), { minLength: 1, maxLength: 5 }),
      wanted: fc.integer({ min: 1, max: 50 }),
      strategy,
      seed: fc.nat(),
    });
    fc.assert(
      fc.property(world, ({ sizes, wanted, strategy: name, seed }) => {
        const nodes = sizes.map((size, index) => nodeAt(names[index] ?? "", engine(size, 0)));
        const template = templateOf({ resources: { reservations: { cpus: 1 } } });
        const placed = place(nodes, { strategy: name, seed }).place({ service, template }, wanted);
        const there = counts(placed.nodes);
        for (const [index, size] of sizes.entries()) expect(there[names[index] ?? ""] ?? 0).toBeLessThanOrEqual(size);
        const room = sizes.reduce((sum, size) => sum + size, 0);
        expect(placed.nodes).toHaveLength(Math.min(room, wanted));
        expect(placed.refusal === undefined).toBe(room >= wanted);
      }),
    );
  });

  it("spread leaves any two nodes at most one task apart", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 5 }), fc.integer({ min: 0, max: 60 }), (size, wanted) => {
        const there = counts(place(nodesNamed(...names.slice(0, size))).place({ service, template: templateOf() }, wanted).nodes);
        const all = names.slice(0, size).map((name) => there[name] ?? 0);
        expect(Math.max(...all) - Math.min(...all)).toBeLessThanOrEqual(1);
      }),
    );
  });

  it("a heap gives its items in order, also while the first changes", () => {
    fc.assert(
      fc.property(fc.array(fc.nat()), fc.array(fc.nat(), { maxLength: 20 }), (numbers, raises) => {
        const items = numbers.map((value) => ({ value }));
        const heap = new Heap(items, (one, other) => one.value < other.value);
        for (const raise of raises) {
          const first = heap.peek();
          if (first === undefined) break;
          first.value += raise;
          heap.settle();
        }
        const sorted = items.map(({ value }) => value).sort((one, other) => one - other);
        const taken: number[] = [];
        for (let first = heap.peek(); first !== undefined; first = heap.peek()) {
          taken.push(first.value);
          heap.drop();
        }
        expect(taken).toEqual(sorted);
        expect(heap.size).toBe(0);
      }),
    );
  });
});
