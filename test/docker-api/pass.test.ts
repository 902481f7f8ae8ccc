/** Calls that go to a container's node: found by every name it has, passed as they are, refused as the engine refuses. */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { idle } from "./containers.ts";
import { openSimulatedFront, type SimulatedFront } from "./front-host.ts";

let front: SimulatedFront;
beforeEach(async () => {
  front = await openSimulatedFront(2);
});
afterEach(() => front.close());

/** Running, by the name web. */
async function run(name = "web", more: object = {}): Promise<string> {
  const made = await front.ask("POST", `/v1.41/containers/create?name=${name}`, {
    json: { Image: "busybox", Cmd: idle, ...more },
  });
  expect([made.status, made.text]).toEqual([201, expect.anything()]);
  expect((await front.ask("POST", `/v1.41/containers/${name}/start`)).status).toBe(204);
  return (made.json() as { readonly Id: string }).Id;
}
const stateOf = async (name: string): Promise<string | undefined> => {
  const all = await front.ask("GET", "/v1.41/containers/json?all=1");
  const rows = all.json() as readonly { readonly Names: readonly string[]; readonly State: string }[];
  return rows.find(({ Names }) => Names[0]?.endsWith(`/${name}`))?.State;
};
const nodeOf = async (name: string): Promise<string> =>
  ((await front.ask("GET", `/v1.41/containers/${name}/json`)).json() as { readonly Node: { readonly Name: string } }).Node.Name;

describe("passed calls", () => {
  it("a container is found by its id, a beginning of it, its name with and without a slash, its node's name for it and its object's", async () => {
    const id = await run();
    const node = await nodeOf("web");
    const engineName = [...(front.engines.get(node)?.world.containers.values() ?? [])][0]?.name;
    const details = (await front.ask("GET", "/v1.41/containers/web/json")).json() as {
      readonly Windlass: { readonly Name: string };
    };
    const references = [id, id.slice(0, 12), "web", "%2Fweb", `${node}/${engineName}`, `${node}%2Fweb`, details.Windlass.Name];
    for (const reference of references) {
      const answer = await front.ask("GET", `/v1.41/containers/${reference}/json`);
      expect([reference, answer.status, (answer.json() as { readonly Id: string }).Id]).toEqual([reference, 200, id]);
    }
  });

  it("what is not there is 404, and what two could be 400, in Docker's words", async () => {
    const none = await front.ask("GET", "/v1.41/containers/nobody/json");
    expect([none.status, none.json()]).toEqual([404, { message: "No such container: nobody" }]);
    for (const name of Array.from({ length: 17 }, (_, index) => `name-${index}`)) {
      await front.ask("POST", `/v1.41/containers/create?name=${name}`, { json: { Image: "busybox" } });
    }
    const rows = (await front.ask("GET", "/v1.41/containers/json?all=1")).json() as readonly { readonly Id: string }[];
    const starts = rows.map(({ Id }) => Id.slice(0, 1));
    const twice = starts.find((start, place) => starts.indexOf(start) !== place) ?? "";
    const both = await front.ask("GET", `/v1.41/containers/${twice}/json`);
    expect([both.status, both.json()]).toEqual([400, { message: `Multiple IDs found with provided prefix: ${twice}` }]);
  });

  it("each verb changes the container, and docker ps shows it at once", async () => {
    await run();
    const step = async (verb: string, state: string | undefined) => {
      const { status, text } = await front.ask("POST", `/v1.41/containers/web/${verb}`);
      expect([verb, status, text, await stateOf("web")]).toEqual([verb, 204, "", state]);
    };
    await step("pause", "paused");
    await step("unpause", "running");
    await step("restart?t=1", "running");
    await step("stop?t=1", "exited");
    await step("start", "running");
    await step("kill", "exited");
    expect((await front.ask("DELETE", "/v1.41/containers/web")).status).toBe(204);
    expect(await stateOf("web")).toBeUndefined();
    expect((await front.ask("GET", "/v1.41/containers/web/json")).status).toBe(404);
  });

  it("details have the cluster's name and the node", async () => {
    const id = await run();
    const details = (await front.ask("GET", "/v1.41/containers/web/json")).json();
    expect(details).toMatchObject({
      Id: id,
      Name: "/web",
      State: { Status: "running" },
      Node: { Name: expect.stringMatching(/^node-[ab]$/), IP: expect.stringMatching(/^10\./), Cpus: 4, Memory: 8 * 2 ** 30 },
    });
  });

  it("rename changes what people call it, everywhere at once, and only to what is free", async () => {
    const id = await run();
    await run("other");
    expect((await front.ask("POST", "/v1.41/containers/web/rename?name=site")).status).toBe(204);
    expect((await front.ask("GET", "/v1.41/containers/web/json")).status).toBe(404);
    expect((await front.ask("GET", "/v1.41/containers/site/json")).json()).toMatchObject({ Id: id, Name: "/site" });
    const taken = await front.ask("POST", "/v1.41/containers/site/rename?name=other");
    expect(taken.status).toBe(409);
    expect(taken.json()).toEqual({
      message: expect.stringMatching(/^Conflict. The container name "\/other" is already in use by container "[0-9a-f]{64}"/),
    });
    for (const name of ["", "a b", "-x", "x".repeat(256)]) {
      const bad = await front.ask("POST", `/v1.41/containers/site/rename?name=${encodeURIComponent(name)}`);
      expect([name, bad.status]).toEqual([name, 400]);
    }
  });

  it("top, changes, logs, stats, update, archive, commit and exec work by the container's name", async () => {
    await run("web", { Cmd: ["sh", "-c", "echo hello; sleep 1000"] });
    expect((await front.ask("GET", "/v1.41/containers/web/top")).json()).toMatchObject({ Titles: expect.anything() });
    expect((await front.ask("GET", "/v1.41/containers/web/changes")).status).toBe(200);
    expect((await front.ask("GET", "/v1.41/containers/web/logs?stdout=1")).text).toContain("hello");
    const committed = await front.ask("POST", "/v1.41/commit?container=web&repo=made&tag=1", { json: {} });
    expect([committed.status, committed.json()]).toEqual([201, { Id: expect.stringMatching(/^sha256:/) }]);
    const made = await front.ask("POST", "/v1.41/containers/web/exec", { json: { Cmd: ["echo", "x"], AttachStdout: true } });
    expect(made.status).toBe(201);
    const { Id } = made.json() as { readonly Id: string };
    expect((await front.ask("GET", `/v1.41/exec/${Id}/json`)).json()).toMatchObject({ ID: Id, Running: false });
    expect((await front.ask("POST", "/v1.41/containers/web/exec", { json: { Cmd: [] } })).json()).toEqual({
      message: "No exec command specified",
    });
    expect((await front.ask("GET", `/v1.41/exec/${"0".repeat(64)}/json`)).json()).toEqual({
      message: `No such exec instance: ${"0".repeat(64)}`,
    });
  });

  it("an update is the engine's to carry out, and what the container takes of its node follows", async () => {
    await run();
    const updated = await front.ask("POST", "/v1.41/containers/web/update", { json: { Memory: 2 ** 30, NanoCpus: 5e8 } });
    expect([updated.status, updated.json()]).toEqual([200, { Warnings: [] }]);
    const { container } = await front.fleet.containers.find("web");
    expect(container.spec.reservations).toEqual({ memory: 2 ** 30, cpus: 0.5 });
    const inspected = (await front.ask("GET", "/v1.41/containers/web/json")).json();
    expect(inspected).toMatchObject({ HostConfig: { Memory: 2 ** 30, NanoCpus: 5e8 } });
    const none = await front.ask("POST", "/v1.41/containers/none/update", { json: { Memory: 2 ** 30 } });
    expect([none.status, none.json()]).toEqual([404, { message: "No such container: none" }]);
    expect((await front.ask("POST", "/v1.41/containers/web/update", { body: "[]" })).status).toBe(400);
  });

  it("a refusal keeps the engine's status and words", async () => {
    await run();
    const running = await front.ask("DELETE", "/v1.41/containers/web");
    expect([running.status, running.json()]).toEqual([
      409,
      { message: expect.stringContaining("You cannot remove a running container") },
    ]);
    const paused = await front.ask("POST", "/v1.41/containers/web/unpause");
    expect([paused.status, paused.json()]).toEqual([409, { message: expect.stringContaining("is not paused") }]);
  });

  it.each([
    ["nobody listens", { kind: "unreachable" }, 503],
    ["it says nothing", { kind: "hang" }, 503],
  ] as const)("a node of which %s is named, and the client told to come back", async (_, fault, expected) => {
    await run();
    const node = await nodeOf("web");
    front.engines.get(node)?.faults.set(fault);
    const answer = await front.ask("GET", "/v1.41/containers/web/top");
    expect([answer.status, answer.headers["retry-after"]]).toEqual([expected, "1"]);
    expect(answer.json()).toEqual({ message: expect.stringContaining(`node ${node}: engine tcp://10.0.0.`) });
  });

  it("a failure inside the engine is passed on; one of ours is 500 and tells nothing", async () => {
    await run();
    const node = await nodeOf("web");
    front.engines.get(node)?.faults.set({ kind: "failing", status: 500, message: "driver failed" });
    const answer = await front.ask("GET", "/v1.41/containers/web/top");
    expect([answer.status, answer.json()]).toEqual([500, { message: "driver failed" }]);
    front.store.view = () => Promise.reject(new TypeError("cannot read properties of undefined"));
    const fault = await front.ask("GET", "/v1.41/info");
    expect([fault.status, fault.json()]).toEqual([500, { message: "internal error" }]);
  });

  it("whoever wants to remove a link does not lose the container", async () => {
    await run();
    const answer = await front.ask("DELETE", "/v1.41/containers/web?link=1&force=1");
    expect([answer.status, answer.json()]).toEqual([
      501,
      { message: "links are not removed here: they go with their containers" },
    ]);
    expect(await stateOf("web")).toBe("running");
  });

  it("one that its node has no more is removed all the same", async () => {
    const id = await run();
    const world = front.engines.get(await nodeOf("web"))?.world;
    const container = world?.containers.get(id);
    if (container !== undefined) world?.remove(container);
    expect((await front.ask("DELETE", "/v1.41/containers/web?force=1")).status).toBe(204);
    expect(await stateOf("web")).toBeUndefined();
  });
});
