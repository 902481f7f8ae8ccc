/** A container is made once, whatever crashes: attempts, their names, and what is left at rest after each step that a process dies in. */
import { describe, expect, it } from "vitest";
import { systemIds } from "../../shared/base/ids.ts";
import { beginAttempt, completeAttempt, dropAttempt } from "../../shared/fleet/containers/attempt.ts";
import type { CreateContainer } from "../../shared/fleet/containers/attempts.ts";
import { generatedNames } from "../../shared/fleet/containers/generated-names.ts";
import { attemptLabel, attemptOf, clusterUidLabel, newAttemptId, ownLabels } from "../../shared/fleet/containers/labels.ts";
import type { Engine } from "../../shared/fleet/engine.ts";
import type { Transaction } from "../../shared/state/transaction.ts";
import { AgentFleet } from "./agent-fleet.ts";
import { runs } from "./commands.ts";

class Crash extends Error {}

const request = (name?: string): CreateContainer => ({
  spec: { nodeName: "a", origin: "user", image: "busybox", ...(name !== undefined && { containerName: name }) },
  body: { Image: "busybox", Cmd: runs, Labels: { mine: "yes", [attemptLabel]: "theirs" } },
  actor: "user",
  deadlineMs: 10_000,
});

type Create = Engine["containers"]["create"];

/** Engines whose create is `create`, which gets the real one to call or not. */
const creating =
  (create: (make: () => ReturnType<Create>) => ReturnType<Create>) =>
  (engine: Engine): Engine => ({
    ...engine,
    containers: { ...engine.containers, create: (...given) => create(() => engine.containers.create(...given)) },
  });

/** The process dies before or after the engine's create. */
const dying = (when: "before" | "after") =>
  creating(async (make) => {
    if (when === "after") await make();
    throw new Crash();
  });

describe("Attempts", () => {
  it("the object names the container, the container its object", async () => {
    await using fleet = await AgentFleet.open();
    const engine = await fleet.addNode("a");
    const { container: object } = await fleet.attempts().create(request("web"));
    const [made] = engine.world.containers.values();
    expect(object.spec).toMatchObject({ nodeName: "a", origin: "user", containerName: "web", image: "busybox" });
    expect(object.status).toMatchObject({ state: "created", containerId: made?.id, engineName: made?.name });
    // Whoever lists by its labels or networks next finds it.
    expect([object.status?.labels, object.status?.networks]).toEqual([made?.labels, { bridge: "" }]);
    expect(made?.name).toMatch(/^wl-[0-9a-f]{24}$/);
    expect(made?.labels).toEqual({
      mine: "yes",
      [clusterUidLabel]: fleet.store.uid,
      [attemptLabel]: made?.name,
      "windlass.dev/container": `default/${object.metadata.name}`,
    });
    await fleet.agents().round();
    expect(await fleet.problems()).toEqual([]);
    expect((await fleet.container(object.metadata.name))?.status).toMatchObject({
      state: "created",
      command: expect.any(String),
    });
  });

  it("a name is used once in the cluster, on whatever node; the refusal is Docker's", async () => {
    await using fleet = await AgentFleet.open();
    await fleet.addNode("a");
    const engine = await fleet.addNode("b");
    const attempts = fleet.attempts();
    const { container: first } = await attempts.create(request("web"));
    const other = { ...request("web"), spec: { ...request("web").spec, nodeName: "b" } };
    await expect(attempts.create(other)).rejects.toMatchObject({
      name: "NameInUseError",
      status: 409,
      message: `Conflict. The container name "/web" is already in use by container "${first.status?.containerId}". You have to remove (or rename) that container to be able to reuse that name.`,
    });
    expect(engine.world.containers.size).toBe(0);
  });

  it("of many that want one name at once, one gets it", async () => {
    await using fleet = await AgentFleet.open();
    const engine = await fleet.addNode("a");
    const all = await Promise.allSettled(Array.from({ length: 20 }, () => fleet.attempts().create(request("web"))));
    expect(all.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
    expect(engine.world.containers.size).toBe(1);
    await fleet.agents().round();
    expect(await fleet.problems()).toEqual([]);
  });

  it("without a name it gets one of two words", async () => {
    await using fleet = await AgentFleet.open();
    await fleet.addNode("a");
    const {
      container: { spec },
    } = await fleet.attempts().create(request());
    expect(spec.containerName).toMatch(/^[a-z]+_[a-z]+$/);
    let draw = 0;
    const ids = { ...systemIds, random: () => (draw++ % 10) / 10 };
    for (const name of generatedNames(ids)) expect(name).toMatch(/^[a-z]+_[a-z]+\d*$/);
  });

  it("a node that is not there, an image that is not there: nothing is left", async () => {
    await using fleet = await AgentFleet.open();
    const engine = await fleet.addNode("a");
    const attempts = fleet.attempts();
    const nowhere = { ...request(), spec: { ...request().spec, nodeName: "z" } };
    await expect(attempts.create(nowhere)).rejects.toMatchObject({ name: "NoSuchNodeError", message: "no such node: z" });
    await expect(attempts.create({ ...request(), body: { Image: "none" } })).rejects.toMatchObject({ name: "NoSuchImageError" });
    engine.faults.set({ kind: "unreachable" });
    await expect(attempts.create(request())).rejects.toMatchObject({ name: "EngineUnreachableError" });
    engine.faults.set(undefined);
    expect(await fleet.containers()).toEqual([]);
    expect(engine.world.containers.size).toBe(0);
  });

  it("its object is taken away while the engine makes it: nothing is left", async () => {
    await using fleet = await AgentFleet.open();
    const engine = await fleet.addNode("a");
    fleet.wrap = creating(async (make) => {
      const answer = await make();
      const [object] = await fleet.containers();
      await fleet.update(({ containers }) => containers.delete(object?.metadata.name ?? "", { namespace: "default" }));
      return answer;
    });
    await expect(fleet.attempts().create(request())).rejects.toMatchObject({ name: "AttemptOverError" });
    expect(engine.world.containers.size).toBe(0);
  });
});

describe("an attempt that is no longer current", () => {
  it("neither completes nor drops its object", async () => {
    await using fleet = await AgentFleet.open();
    await fleet.addNode("a");
    const place = { namespace: "default", name: "web.1" };
    const spec = { nodeName: "a", origin: "task" as const, taskName: "web.1", taskUid: "u", image: "busybox" };
    const begin = (id: string) => (transaction: Transaction) => {
      const nodeUid = transaction.nodes.get("a")?.metadata.uid ?? "";
      return beginAttempt(transaction, { place, id, deadline: "2030-01-01T00:00:00Z", nodeUid, spec, names: ["web.1"] });
    };
    for (const id of ["wl-1", "wl-2"]) await fleet.update(begin(id));
    const late = { containerId: "ab".repeat(32), engineName: "wl-1" };
    const { value } = await fleet.store.update(
      (transaction) => {
        dropAttempt(transaction, { place, id: "wl-1" });
        return completeAttempt(transaction, { place, id: "wl-1", made: late });
      },
      { actor: "test" },
    );
    expect(value).toBeUndefined();
    expect(await fleet.container("web.1")).toMatchObject({ spec: { attempt: { id: "wl-2" } }, status: { state: "creating" } });
    await fleet.update((transaction) =>
      completeAttempt(transaction, { place, id: "wl-2", made: { ...late, engineName: "wl-2" } }),
    );
    await fleet.update((transaction) => dropAttempt(transaction, { place, id: "wl-2" }));
    expect((await fleet.container("web.1"))?.status).toMatchObject({ state: "created", engineName: "wl-2" });
  });

  it("a node that was replaced by another of its name takes none", async () => {
    await using fleet = await AgentFleet.open();
    await fleet.addNode("a");
    const attempt = {
      place: { namespace: "default", name: "c" },
      id: "wl-1",
      deadline: "2030-01-01T00:00:00Z",
      nodeUid: "another",
      spec: { nodeName: "a", origin: "user" as const, image: "busybox" },
      names: ["web"],
    };
    await expect(fleet.update((transaction) => beginAttempt(transaction, attempt))).rejects.toMatchObject({
      name: "NoSuchNodeError",
    });
  });
});

describe("a process dies while it makes a container", () => {
  it("after the first commit: the object goes when its deadline is over, and not before", async () => {
    await using fleet = await AgentFleet.open();
    await fleet.addNode("a");
    fleet.wrap = dying("before");
    await expect(fleet.attempts().create(request("web"))).rejects.toThrow(Crash);
    fleet.wrap = (engine) => engine;
    const agents = fleet.agents();
    await agents.round();
    expect((await fleet.containers()).map(({ status }) => status?.state)).toEqual(["creating"]);
    fleet.clock.leap(20_000);
    await agents.round();
    expect(await fleet.containers()).toEqual([]);
    await fleet.attempts().create(request("web"));
    expect(await fleet.problems()).toEqual([]);
  });

  it("after the engine's create: the next round completes it, once", async () => {
    await using fleet = await AgentFleet.open();
    const engine = await fleet.addNode("a");
    fleet.wrap = dying("after");
    await expect(fleet.attempts().create(request("web"))).rejects.toThrow(Crash);
    fleet.wrap = (real) => real;
    await Promise.all([fleet.agents().round(), fleet.agents().round()]);
    expect((await fleet.containers()).map(({ status }) => status?.state)).toEqual(["created"]);
    expect(engine.world.containers.size).toBe(1);
    expect(await fleet.problems()).toEqual([]);
  });

  it("an answer that comes after the deadline: what was made late is removed", async () => {
    await using fleet = await AgentFleet.open();
    const engine = await fleet.addNode("a");
    const { promise: late, resolve: go } = Promise.withResolvers<void>();
    fleet.wrap = creating((make) => late.then(make));
    const making = fleet.attempts().create(request("web"));
    await fleet.until(async () => (await fleet.containers()).length === 1);
    fleet.clock.leap(20_000);
    await fleet.agents().round();
    expect(await fleet.containers()).toEqual([]);
    go();
    await expect(making).rejects.toMatchObject({ name: "AttemptOverError" });
    expect(engine.world.containers.size).toBe(0);
  });

  for (const when of ["before", "after"] as const) {
    it(`a task's, ${when} the engine's create: another process goes on with the same attempt`, async () => {
      await using fleet = await AgentFleet.open();
      const engine = await fleet.addNode("a");
      await fleet.addTask("web.1");
      fleet.wrap = dying(when);
      expect(await fleet.agents().round()).toMatchObject({ again: true });
      const attempt = (await fleet.container("web.1"))?.spec.attempt?.id;
      expect(attempt).toMatch(/^wl-/);
      fleet.wrap = (real) => real;
      expect(await fleet.agents().round()).toMatchObject({ again: false });
      expect((await fleet.container("web.1"))?.spec.attempt?.id).toBe(attempt);
      expect([await fleet.state("web.1"), engine.world.containers.size]).toEqual(["running", 1]);
      expect(await fleet.problems()).toEqual([]);
    });
  }

  it("a task's, before it starts its container and after: it runs once", async () => {
    for (const isDone of [false, true]) {
      await using fleet = await AgentFleet.open();
      const engine = await fleet.addNode("a");
      await fleet.addTask("web.1");
      let starts = 0;
      fleet.wrap = (real) => ({
        ...real,
        runs: {
          ...real.runs,
          start: async (...given) => {
            starts += 1;
            if (starts > 1 || isDone) await real.runs.start(...given);
            if (starts === 1) throw new Crash();
          },
        },
      });
      await fleet.agents().round();
      await fleet.agents().round();
      expect(await fleet.state("web.1")).toBe("running");
      expect(starts).toBe(isDone ? 1 : 2);
      expect(engine.world.containers.size).toBe(1);
      expect(await fleet.problems()).toEqual([]);
    }
  });

  it("a task's that nobody wants any more: no container and no object is left", async () => {
    for (const when of ["before", "after"] as const) {
      await using fleet = await AgentFleet.open();
      const engine = await fleet.addNode("a");
      await fleet.addTask("web.1");
      fleet.wrap = dying(when);
      await fleet.agents().round();
      fleet.wrap = (real) => real;
      await fleet.update(({ tasks }) => tasks.delete("web.1", { namespace: "default" }));
      const agents = fleet.agents();
      await agents.round();
      await agents.round();
      expect([engine.world.containers.size, await fleet.containers()]).toEqual([0, []]);
    }
  });
});

describe("labels", () => {
  const labels = (attempt: string) => ownLabels({ clusterUid: "u", attempt, container: { namespace: "default", name: "c" } });
  const uids = new Set(["u", "adopted"]);

  it("a container is ours if its labels and its name on the engine say so", () => {
    const attempt = newAttemptId(systemIds);
    expect(attemptOf({ labels: labels(attempt), engineName: attempt }, uids)).toBe(attempt);
    expect(attemptOf({ labels: labels(attempt), engineName: `/${attempt}` }, uids)).toBe(attempt);
  });

  it("one with inherited labels, of another cluster, or of none is not", () => {
    const attempt = newAttemptId(systemIds);
    expect(attemptOf({ labels: labels(attempt), engineName: "made-of-a-committed-image" }, uids)).toBeUndefined();
    expect(attemptOf({ labels: labels(attempt), engineName: undefined }, uids)).toBeUndefined();
    expect(attemptOf({ labels: labels(attempt), engineName: attempt }, new Set(["other"]))).toBeUndefined();
    expect(attemptOf({ labels: labels("web"), engineName: "web" }, uids)).toBeUndefined();
    expect(attemptOf({ labels: {}, engineName: attempt }, uids)).toBeUndefined();
  });
});
