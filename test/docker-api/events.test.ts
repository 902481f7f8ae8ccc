/** `docker events`: all nodes as one stream, with their names and the cluster's; nodes that come, go and break off. */
import { once } from "node:events";
import { request as httpRequest, type IncomingMessage } from "node:http";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { systemClock } from "../../shared/base/clock.ts";
import { silentLogger } from "../../shared/base/logger.ts";
import { listenersMax } from "../../shared/docker-api/events/listeners.ts";
import { NodeStreams } from "../../shared/docker-api/events/node-streams.ts";
import { nodeKind } from "../../shared/kinds/node.ts";
import { apiVersion } from "../../shared/kinds/object.ts";
import { idle } from "./containers.ts";
import { openSimulatedFront, type SimulatedFront } from "./front-host.ts";

type Event = {
  readonly Type: string;
  readonly Action: string;
  readonly Actor: { readonly ID: string; readonly Attributes: Readonly<Record<string, string>> };
  readonly Node: { readonly Name: string };
  readonly timeNano: number;
};

let front: SimulatedFront;
const listeners: { close(): void }[] = [];
beforeEach(async () => {
  front = await openSimulatedFront(2);
});
afterEach(async () => {
  for (const listener of listeners.splice(0)) listener.close();
  await front.close();
});

/** Collects what comes until it is closed. */
async function listen(query = ""): Promise<{ readonly heard: Event[]; readonly ended: Promise<unknown>; close(): void }> {
  const request = httpRequest(`${front.url}/v1.41/events${query}`, { agent: false, headers: { authorization: "Bearer viewer" } });
  request.on("error", () => undefined);
  request.end();
  const [response] = (await once(request, "response")) as [IncomingMessage];
  expect(response.statusCode).toBe(200);
  const heard: Event[] = [];
  let rest = "";
  response.on("data", (chunk: Buffer) => {
    const lines = (rest + chunk.toString()).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) if (line.trim() !== "") heard.push(JSON.parse(line) as Event);
  });
  response.on("error", () => undefined);
  const listener = { heard, ended: once(response, "end").catch(() => "cut"), close: () => void response.destroy() };
  listeners.push(listener);
  return listener;
}
const listening = (name: string) => vi.waitFor(() => expect(front.engines.get(name)?.world.listeners.size).toBeGreaterThan(0));
const isHeard = (heard: readonly Event[], test: (event: Event) => boolean) =>
  vi.waitFor(() => expect(heard.some(test)).toBe(true), { timeout: 10_000 });

async function create(name: string, node: string): Promise<string> {
  const body = { Image: "busybox", Cmd: idle, Env: [`constraint:node==${node}`] };
  const made = await front.ask("POST", `/v1.41/containers/create?name=${name}`, { json: body });
  expect([made.status, made.text]).toEqual([201, expect.anything()]);
  return (made.json() as { readonly Id: string }).Id;
}

describe("docker events", () => {
  it("of all nodes, each with its node and the cluster's name of the container", async () => {
    const { heard } = await listen();
    await Promise.all([listening("node-a"), listening("node-b")]);
    await create("web", "node-a");
    await create("db", "node-b");
    await isHeard(heard, ({ Actor }) => Actor.Attributes["name"] === "web");
    await isHeard(heard, ({ Actor }) => Actor.Attributes["name"] === "db");
    const web = heard.find(({ Actor }) => Actor.Attributes["name"] === "web");
    expect(web).toMatchObject({
      Type: "container",
      Action: "create",
      Node: { Name: "node-a" },
      Actor: { Attributes: { "node.name": "node-a", "node.ip": "10.0.0.1", "node.addr": "10.0.0.1:2375" } },
    });
  });

  it("filters: by the cluster's names, by node; the engines judge the rest", async () => {
    const [byName, byNode, byAction] = await Promise.all(
      ['{"container":["web"]}', '{"node":["node-b"]}', '{"event":["start"]}'].map((filters) =>
        listen(`?filters=${encodeURIComponent(filters)}`),
      ),
    );
    await vi.waitFor(() => expect(front.engines.get("node-a")?.world.listeners.size).toBe(2));
    await vi.waitFor(() => expect(front.engines.get("node-b")?.world.listeners.size).toBe(3));
    await create("web", "node-a");
    await create("db", "node-b");
    await front.ask("POST", "/v1.41/containers/db/start");
    for (const listener of [byName, byNode, byAction]) await vi.waitFor(() => expect(listener?.heard.length).toBeGreaterThan(0));
    const names = (heard: readonly Event[] | undefined) => new Set(heard?.map(({ Actor }) => Actor.Attributes["name"]));
    expect(names(byName?.heard)).toEqual(new Set(["web"]));
    expect(names(byNode?.heard)).toEqual(new Set(["db"]));
    expect(byAction?.heard.map(({ Action }) => Action)).toEqual(["start"]);
  });

  it("what was, in its order, up to a moment that is over", async () => {
    await create("web", "node-a");
    await create("db", "node-b");
    await create("cache", "node-a");
    const now = (Date.now() / 1_000 + 0.001).toFixed(9);
    await new Promise((resolve) => setTimeout(resolve, 5));
    const { heard, ended } = await listen(`?since=1&until=${now}`);
    await ended;
    expect(heard.map(({ Actor }) => Actor.Attributes["name"])).toEqual(["web", "db", "cache"]);
  });

  it("what was, and what comes, up to a moment ahead", async () => {
    await create("web", "node-a");
    const { heard, ended } = await listen(`?since=1&until=${(Date.now() / 1_000 + 1).toFixed(3)}`);
    await Promise.all([listening("node-a"), listening("node-b")]);
    await create("db", "node-b");
    await ended;
    expect(heard.map(({ Actor }) => Actor.Attributes["name"])).toEqual(["web", "db"]);
  });

  it("a stream that breaks off is taken up where it was: nothing is missed, nothing is told twice", async () => {
    const { heard } = await listen();
    await listening("node-a");
    const engine = front.engines.get("node-a");
    await create("one", "node-a");
    await isHeard(heard, ({ Actor }) => Actor.Attributes["name"] === "one");
    engine?.faults.cutStreams();
    await create("two", "node-a");
    await isHeard(heard, ({ Actor }) => Actor.Attributes["name"] === "two");
    await listening("node-a");
    await create("three", "node-a");
    await isHeard(heard, ({ Actor }) => Actor.Attributes["name"] === "three");
    const told = heard
      .filter(({ Node }) => Node.Name === "node-a")
      .map(({ Action, Actor }) => `${Action} ${Actor.Attributes["name"]}`);
    expect(told).toEqual(["create one", "create two", "create three"]);
  });

  it("a node that comes is listened to, one that goes no more", async () => {
    const { heard } = await listen();
    await listening("node-b");
    await front.store.update(({ nodes }) => void nodes.delete("node-b"), { actor: "test" });
    await vi.waitFor(() => expect(front.engines.get("node-b")?.world.listeners.size).toBe(0));
    const spec = nodeKind.spec.parse({ address: "tcp://10.0.0.2:2375" });
    await front.store.update(
      ({ nodes }) =>
        void nodes.create({ apiVersion, kind: "Node", metadata: { name: "again" }, spec, status: { state: "ready" } }),
      { actor: "test" },
    );
    await listening("node-b");
    await create("web", "again");
    await isHeard(heard, ({ Node, Actor }) => Node.Name === "again" && Actor.Attributes["name"] === "web");
  });

  it("what a node that went was about to tell is told before the end", async () => {
    const [node] = (await front.store.view(({ nodes }) => nodes.find())).value;
    const { engines } = front.fleet.ground;
    const [telling, told] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    const onEvent = async (): Promise<void> => {
      telling.resolve();
      await told.promise;
    };
    const options = {
      engines,
      clock: systemClock,
      logger: silentLogger,
      since: undefined,
      until: undefined,
      filters: {},
      onEvent,
    };
    const stop = new AbortController();
    const streams = new NodeStreams(options, stop.signal, () => undefined);
    streams.set(node === undefined ? [] : [node]);
    await listening("node-a");
    await create("web", "node-a");
    await telling.promise;
    streams.set([]);
    stop.abort();
    let hasEnded = false;
    const end = streams.end().then(() => {
      hasEnded = true;
    });
    await new Promise(setImmediate);
    expect(hasEnded).toBe(false);
    told.resolve();
    await end;
  });

  it("a node that is away does not keep the others' events", async () => {
    front.engines.get("node-b")?.faults.set({ kind: "unreachable" });
    const { heard } = await listen();
    await listening("node-a");
    await create("web", "node-a");
    await isHeard(heard, ({ Actor }) => Actor.Attributes["name"] === "web");
  });

  it("a container that is gone keeps the name it had", async () => {
    const { heard } = await listen();
    await listening("node-a");
    await create("web", "node-a");
    await isHeard(heard, ({ Action }) => Action === "create");
    await front.ask("DELETE", "/v1.41/containers/web?force=1");
    await isHeard(heard, ({ Action, Actor }) => Action === "destroy" && Actor.Attributes["name"] === "web");
  });

  it("a listener that leaves leaves the engines, too", async () => {
    const listener = await listen();
    await listening("node-a");
    listener.close();
    for (const { world } of front.engines.values()) await vi.waitFor(() => expect(world.listeners.size).toBe(0));
  });

  it("times that are none, an end before the beginning and unknown filters are 400", async () => {
    for (const query of ["?since=yesterday", "?since=5&until=4", `?filters=${encodeURIComponent('{"colour":["red"]}')}`]) {
      expect((await front.ask("GET", `/v1.41/events${query}`)).status).toBe(400);
    }
  });

  it("there is a bound on listeners, and those that leave make room", async () => {
    const many = await Promise.all(Array.from({ length: listenersMax }, () => listen()));
    const full = await front.ask("GET", "/v1.41/events");
    expect([full.status, full.json()]).toEqual([503, { message: "there are too many listeners already" }]);
    for (const listener of many) listener.close();
    await vi.waitFor(async () => {
      const { status } = await front.ask("GET", `/v1.41/events?since=1&until=2`);
      expect(status).toBe(200);
    });
  });
});
