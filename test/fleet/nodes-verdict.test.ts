/** What is seen of a node and what its status is then, case by case; and how foreign engines are kept from doing harm by what they say. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { timestamp } from "../../shared/base/clock.ts";
import { factsOf } from "../../shared/fleet/nodes/facts.ts";
import type { Health } from "../../shared/fleet/nodes/health.ts";
import { inParallel } from "../../shared/fleet/nodes/in-parallel.ts";
import { Looks } from "../../shared/fleet/nodes/looks.ts";
import { defaultHealerPolicy as policy } from "../../shared/fleet/nodes/policy.ts";
import { isOlder, twinOf } from "../../shared/fleet/nodes/twins.ts";
import { type Evidence, isLost, judge } from "../../shared/fleet/nodes/verdict.ts";
import { type Node, type NodeStatus, nodeKind } from "../../shared/kinds/node.ts";
import { ago, nodeAt, now } from "./objects.ts";

const engine = { id: "one", version: "20.10.24", hostname: "host" };
const address = "tcp://10.0.0.1:2375";
const health = (more: Partial<Health> = {}): Health => ({
  address,
  failures: 1,
  probeFailures: 1,
  callFailures: 0,
  lastError: "refused",
  ...more,
});
const secondsAgo = (seconds: number): number => now - seconds * 1_000;

function withStatus(status: Partial<NodeStatus> | undefined): Node {
  const { status: _, ...bare } = nodeAt("a");
  return status === undefined ? bare : { ...bare, status: { state: "ready", observedGeneration: 1, since: ago(600), ...status } };
}

describe("the threshold", () => {
  it.each<readonly [string, Partial<Health>, boolean]>([
    ["two failures, long enough for three", { probeFailures: 2, silentSinceMs: secondsAgo(20) }, false],
    ["three failures within 14.999 s", { probeFailures: 3, silentSinceMs: secondsAgo(14.999) }, false],
    ["three failures in 15 s", { probeFailures: 3, silentSinceMs: secondsAgo(15) }, true],
    ["many failures of calls only", { probeFailures: 0, failures: 99, silentSinceMs: secondsAgo(600) }, false],
    ["one failure, and nobody looked since", { probeFailures: 1, silentSinceMs: secondsAgo(600) }, false],
    ["two failures within 59.999 s", { probeFailures: 2, silentSinceMs: secondsAgo(59.999) }, false],
    ["two failures in the reconciler's grace", { probeFailures: 2, silentSinceMs: secondsAgo(60) }, true],
    ["failures that nobody knows the beginning of", { probeFailures: 99 }, false],
  ])("%s", (_, given, lost) => {
    expect(isLost(health(given), { now, policy })).toBe(lost);
  });
});

describe("the verdict", () => {
  const well: Evidence = { kind: "well", facts: engine, health: undefined };
  const silent = (more: Partial<Health> = {}): Evidence => ({ kind: "silent", error: "refused", health: health(more) });
  const lost = { probeFailures: 3, failures: 3, silentSinceMs: secondsAgo(20) };
  const refused: Evidence = { kind: "refused", error: "disk full", health: health({ callFailures: 1, probeFailures: 0 }) };
  const rows: readonly (readonly [string, Partial<NodeStatus> | undefined, Evidence, string | undefined, readonly string[]])[] = [
    ["new, answers", undefined, well, "ready", ["NodeReady"]],
    ["new, silent", undefined, silent(), "disconnected", ["NodeNotReady"]],
    [
      "new, answers, and was not asked what it is",
      undefined,
      { kind: "well", facts: undefined, health: undefined },
      undefined,
      [],
    ],
    ["disconnected, answers", { state: "disconnected", engine, lastError: "x" }, well, "ready", ["NodeReady"]],
    ["disconnected, silent", { state: "disconnected", engine }, silent(), undefined, []],
    ["disconnected, lost", { state: "disconnected", engine }, silent(lost), "down", ["NodeDown"]],
    [
      "disconnected since another generation",
      { state: "disconnected", engine, observedGeneration: 0 },
      silent(),
      "disconnected",
      [],
    ],
    ["down, answers", { state: "down", engine }, well, "ready", ["NodeReturned"]],
    ["down without ever having answered, answers", { state: "down" }, well, "ready", ["NodeReady"]],
    ["down, silent", { state: "down", engine }, silent(lost), undefined, []],
    ["ready, silent", { engine }, silent(), "disconnected", ["NodeNotReady"]],
    ["ready, lost at once", { engine }, silent(lost), "down", ["NodeDown"]],
    [
      "ready, with other data",
      { engine: { ...engine, dataRoot: "/old" } },
      { ...well, facts: { ...engine, dataRoot: "/new" } },
      "ready",
      ["EngineReplaced"],
    ],
    ["ready, its machine renamed", { engine: { ...engine, hostname: "old" } }, well, "ready", []],
    ["ready, replaced", { engine: { ...engine, id: "two" } }, well, "ready", ["EngineReplaced"]],
    ["ready, a call is refused", { engine }, refused, "ready", ["NodeDisabled"]],
    ["ready, refused again", { engine, lastError: "x", disabledUntil: ago(-1) }, refused, undefined, []],
    ["ready, refused after its time", { engine, lastError: "x", disabledUntil: ago(1) }, refused, "ready", ["NodeDisabled"]],
    ["disconnected, a call is refused", { state: "disconnected", engine }, refused, undefined, []],
    ["ready after a refusal, a call succeeds", { engine, lastError: "x", failures: 1 }, { kind: "worked" }, "ready", []],
    ["disconnected, a call succeeds", { state: "disconnected", engine }, { kind: "worked" }, undefined, []],
  ];
  it.each(rows)("%s", (_, status, evidence, state, reasons) => {
    const verdict = judge(withStatus(status), evidence, { now, policy, disabledMs: 60_000, twin: undefined });
    expect(verdict?.status.state).toBe(state);
    expect(verdict?.notes.map(({ reason }) => reason) ?? []).toEqual(reasons);
    if (verdict === undefined) return;
    expect(verdict.status.since).toBe(state === (status?.state ?? (status && "ready")) ? ago(600) : timestamp(now));
    // What it made is what the kind takes, and to judge it again changes nothing.
    expect(nodeKind.status.parse(verdict.status)).toEqual(verdict.status);
    const again = judge({ ...withStatus(status), status: verdict.status }, evidence, {
      now,
      policy,
      disabledMs: 60_000,
      twin: undefined,
    });
    expect(again).toBeUndefined();
  });

  it("conditions of others stay, and a transition has its time", () => {
    const conditions = [
      { type: "Backup", status: "True" as const },
      {
        type: "Ready",
        status: "True" as const,
        reason: "EngineAnswers",
        message: "the engine answers",
        lastTransitionTime: ago(600),
      },
    ];
    const verdict = judge(withStatus({ engine, conditions }), silent(), { now, policy, disabledMs: 0, twin: undefined });
    expect(verdict?.status.conditions).toEqual([
      { type: "Backup", status: "True" },
      {
        type: "Ready",
        status: "False",
        reason: "NodeNotReady",
        message: "refused",
        lastTransitionTime: timestamp(now),
        observedGeneration: 1,
      },
    ]);
    expect(verdict?.status.disabledUntil).toBeUndefined();
  });

  it("an error's words are cut, wherever they are long", () => {
    const error = "x".repeat(10_000);
    const verdict = judge(
      withStatus({ engine }),
      { kind: "silent", error, health: health({ lastError: error }) },
      { now, policy, disabledMs: 1, twin: undefined },
    );
    expect([verdict?.status.message?.length, verdict?.status.lastError?.length]).toEqual([500, 500]);
    expect(JSON.stringify(verdict?.status).length).toBeLessThan(2_000);
  });
});

describe("twins", () => {
  const used = (name: string, seconds: number, status: Partial<NodeStatus> | "new" = { engine }): Node => {
    const node = withStatus(status === "new" ? undefined : status);
    return { ...node, metadata: { ...node.metadata, name, uid: name, creationTimestamp: ago(seconds) } };
  };

  it("one that is in use comes before one that is not, the older before the younger", () => {
    const [old, young] = [used("b-old", 20), used("a-young", 10)];
    const fresh = used("fresh", 99, "new");
    expect(twinOf(young, "one host ", [old, young])).toBe(old);
    expect(twinOf(old, "one host ", [old, young])).toBeUndefined();
    expect(twinOf(fresh, "one host ", [young, old])).toBe(old);
    expect(twinOf(young, "one host ", [fresh, young])).toBeUndefined();
    expect(twinOf(fresh, "one host ", [used("gone", 50, { state: "down", engine })])).toBeUndefined();
    expect(twinOf(fresh, "one host ", [used("other-data", 50, { engine: { ...engine, dataRoot: "/other" } })])).toBeUndefined();
    expect(twinOf(fresh, "one host ", [used("other-machine", 50, { engine: { ...engine, hostname: "clone" } })])).toBeUndefined();
    expect(twinOf(fresh, "one host ", [used("silent", 50, { state: "disconnected", engine })])?.metadata.name).toBe("silent");
  });

  it("of any nodes at any states, exactly one of those that are in use stays", () => {
    const node = fc.record({ name: fc.nat(9), seconds: fc.nat(3), state: fc.constantFrom("ready", "disconnected") });
    fc.assert(
      fc.property(fc.uniqueArray(node, { selector: ({ name }) => name, minLength: 1 }), (given) => {
        const nodes = given.map(({ name, seconds, state }) => used(`n${name}`, seconds, { engine, state: state as "ready" }));
        const staying = nodes.filter((one) => twinOf(one, "one host ", nodes) === undefined);
        expect(staying).toHaveLength(1);
        expect(nodes.every((one) => one === staying[0] || isOlder(staying[0] as Node, one))).toBe(true);
      }),
    );
  });
});

describe("what an engine says of itself", () => {
  const info = {
    ID: "one",
    Name: "host",
    ServerVersion: "20.10.24",
    OSType: "linux",
    Architecture: "x86_64",
    NCPU: 4,
    MemTotal: 1_024,
    Containers: 0,
    ContainersRunning: 0,
    ContainersPaused: 0,
    ContainersStopped: 0,
    Images: 0,
    DockerRootDir: "/var/lib/docker",
    Labels: ["zone=a", "plain", "a=b=c"],
  };

  it("is what a node's status takes", () => {
    const facts = factsOf(info);
    expect(facts).toEqual({
      id: "one",
      version: "20.10.24",
      hostname: "host",
      dataRoot: "/var/lib/docker",
      platform: { os: "linux", architecture: "x86_64" },
      resources: { cpus: 4, memory: 1_024 },
      labels: { zone: "a", plain: "", a: "b=c" },
    });
    expect(factsOf({ ...info, Labels: info.Labels.toReversed() })).toEqual(facts);
  });

  it("whatever it says, the status takes it and stays small", () => {
    const text = fc.oneof(fc.string(), fc.constant("x".repeat(10_000)), fc.constant(undefined), fc.constant(null), fc.integer());
    const number = fc.oneof(
      fc.double(),
      fc.integer(),
      fc.constant(undefined),
      fc.constant("4"),
      fc.constant(Number.POSITIVE_INFINITY),
    );
    const labels = fc.oneof(
      fc.constant(null),
      fc.string(),
      fc.array(fc.oneof(text, fc.constant("__proto__=x")), { maxLength: 200 }),
    );
    const wild = fc.record({
      ID: text,
      Name: text,
      ServerVersion: text,
      OSType: text,
      Architecture: text,
      NCPU: number,
      MemTotal: number,
      Labels: labels,
    });
    fc.assert(
      fc.property(wild, (said) => {
        const facts = factsOf({ ...info, ...said } as never);
        expect(nodeKind.status.parse({ state: "ready", engine: facts }).engine).toEqual(facts);
        expect(JSON.stringify(facts).length).toBeLessThan(64 * 1_024);
      }),
    );
  });
});

describe("many at once", () => {
  it("inParallel: never more than so many, answers in order, and nothing is begun after a failure", async () => {
    let [going, most] = [0, 0];
    const work = async (item: number): Promise<number> => {
      going += 1;
      most = Math.max(most, going);
      await new Promise(setImmediate);
      going -= 1;
      return item * 2;
    };
    expect(await inParallel([1, 2, 3, 4, 5], 2, work)).toEqual([2, 4, 6, 8, 10]);
    expect([most, await inParallel([], 2, work)]).toEqual([2, []]);
    const begun: number[] = [];
    const failing = inParallel([1, 2, 3, 4, 5, 6], 2, async (item) => {
      begun.push(item);
      await new Promise(setImmediate);
      if (item === 2) throw new Error("two");
    });
    await expect(failing).rejects.toThrow("two");
    await new Promise(setImmediate);
    expect(begun).toEqual([1, 2, 3]);
  });

  it("Looks: those that come together are looked at together, a node in one look at a time, and none is forgotten", async () => {
    const looks: { readonly names: readonly string[]; readonly end: () => void }[] = [];
    const all = new Looks(
      (names) =>
        new Promise<void>((end) => {
          looks.push({ names, end });
        }),
    );
    all.want(["a", "b"]);
    all.want(["b", "c"]);
    expect(looks.map(({ names }) => names)).toEqual([["a", "b"], ["c"]]);
    looks[0]?.end();
    await new Promise(setImmediate);
    expect(looks[2]?.names).toEqual(["b"]);
    for (let n = 0; n < 30; n += 1) all.want([`node-${n}`]);
    expect(looks).toHaveLength(2 + 15);
    const idle = all.idle();
    while (looks.length > 0) {
      looks.shift()?.end();
      await new Promise(setImmediate);
    }
    await idle;
  });
});
