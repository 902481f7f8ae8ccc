/** What of the interface shows only from inside the process: all routes, roles, faults, entries of several changes, stripped logs. */
import { afterEach, describe, expect, it } from "vitest";
import { rootScope } from "../../shared/access/access.ts";
import { authenticateUpgrade } from "../../shared/api/authenticate.ts";
import { systemClock } from "../../shared/base/clock.ts";
import type { Logger } from "../../shared/base/logger.ts";
import { nodeKind } from "../../shared/kinds/node.ts";
import { apiVersion } from "../../shared/kinds/object.ts";
import { Publisher } from "../../shared/state/publisher.ts";
import type { Store } from "../../shared/state/store.ts";
import { Stripper } from "../../shared/state/stripper.ts";
import type { Transaction } from "../../shared/state/transaction.ts";
import { Client, group, node } from "../cases/client.ts";
import { type ServerOptions, startServer, type TestServer } from "./server.ts";

const nodes = `${group}/nodes`;

let server: TestServer;
async function start(options?: ServerOptions): Promise<Client> {
  server = await startServer(options);
  return new Client(() => server.target);
}
afterEach(() => server.close());

async function store(): Promise<Store> {
  const found = await server.clusters.resolve("default");
  if (found === undefined) throw new Error("the default cluster is always there");
  return found;
}

/** Commits all of `names` in one entry. */
async function createTogether(names: readonly string[]): Promise<number> {
  const { revision } = await (await store()).update(
    (transaction) => {
      const spec = nodeKind.spec.parse({ address: "tcp://a:1" });
      for (const name of names) transaction.nodes.create({ apiVersion, kind: "Node", metadata: { name }, spec });
    },
    { actor: "test" },
  );
  return revision;
}

describe("every route", () => {
  it("but health needs a token, whatever the method", async () => {
    const client = await start();
    const routes = server.app.routes.filter(({ path }) => !path.includes("*"));
    expect(routes.length).toBeGreaterThan(50);
    const open = new Set<string>();
    for (const { method, path } of routes) {
      const url = path.replace(/:[a-z]+/g, "x");
      for (const each of method === "ALL" ? ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "HEAD", "QUERY"] : [method]) {
        const { status } = await client.send(each, url, { token: null });
        if (status !== 401) open.add(`${each} ${path} ${status}`);
      }
    }
    expect([...open].sort()).toEqual(["GET /healthz 200", "GET /livez 200", "GET /readyz 200"]);
  });
});

describe("roles", () => {
  it("decide by the cluster and the verb alone; what is refused tells nothing of what is there", async () => {
    const client = await start();
    const { uid } = await store();
    server.principals.set("viewer", { name: "vera", role: "viewer", clusterUid: uid });
    server.principals.set("editor", { name: "ed", role: "editor", clusterUid: uid });
    server.principals.set("stranger", { name: "sam", role: "admin", clusterUid: "another-cluster" });
    server.principals.set("reader", { name: "rita", role: "viewer", clusterUid: rootScope });
    await client.post(nodes, node("there"));
    const wanted: readonly (readonly [string, string, string, number])[] = [
      ["viewer", "GET", nodes, 200],
      ["viewer", "GET", `${nodes}/there`, 200],
      ["viewer", "POST", nodes, 403],
      ["viewer", "DELETE", `${nodes}/there`, 403],
      ["viewer", "DELETE", `${nodes}/absent`, 403],
      ["viewer", "GET", `/clusters/default${nodes}`, 200],
      ["viewer", "GET", "/clusters/default/apis", 200],
      ["viewer", "GET", "/clusters/absent/apis", 403],
      ["viewer", "GET", `/clusters/absent${nodes}`, 403],
      ["viewer", "GET", `${group}/clusters`, 403],
      ["viewer", "GET", "/apis", 200],
      ["editor", "DELETE", `${nodes}/absent`, 404],
      ["editor", "GET", `${group}/clusters/default`, 403],
      ["stranger", "GET", `${nodes}/there`, 403],
      ["stranger", "GET", `${nodes}/absent`, 403],
      ["stranger", "GET", `${nodes}?watch=true`, 403],
      ["stranger", "GET", "/clusters/default/apis", 403],
      ["stranger", "GET", `/clusters/absent${nodes}`, 403],
      ["reader", "GET", `${group}/clusters`, 200],
      ["reader", "GET", nodes, 403],
    ];
    for (const [token, method, path, status] of wanted) {
      const body = method === "POST" ? { body: "no JSON" } : {};
      const answer = await client.send(method, path, { token, ...body });
      expect([token, method, path, answer.status]).toEqual([token, method, path, status]);
    }
    const there = await client.get(`${nodes}/there`, { token: "stranger" });
    const absent = await client.get(`${nodes}/absent`, { token: "stranger" });
    expect(there.text.replaceAll("there", "")).toBe(absent.text.replaceAll("absent", ""));
    expect(there.body["message"]).toBe(
      'nodes.windlass.dev "there" is forbidden: User "sam" cannot get resource "nodes" in API group "windlass.dev" at the cluster scope',
    );
  });

  it("an entry names who made it", async () => {
    const client = await start();
    const { uid } = await store();
    server.principals.set("editor", { name: "ed", role: "editor", clusterUid: uid });
    const { headers } = await client.post(nodes, node("made"), { token: "editor" });
    const revision = Math.floor(Number(headers.get("x-windlass-resource-version")) / 1000);
    const tail = await server.memory.log.read(uid, { after: revision - 1, limit: 1, consistent: true });
    expect(tail.kind === "entries" && tail.entries[0]?.entry.actor).toBe("ed");
  });

  it("an upgraded connection is asked the same", async () => {
    await start();
    const ask = (authorization?: string) => authenticateUpgrade(authenticator, { headers: { authorization } });
    const authenticator = {
      authenticate: async (header: string | undefined) => {
        if (header === "broken") throw new Error("secret detail");
        return header === "Bearer good" ? ({ name: "a", role: "admin", clusterUid: rootScope } as const) : undefined;
      },
    };
    expect(await ask("Bearer good")).toMatchObject({ kind: "known", principal: { name: "a" } });
    expect(await ask()).toMatchObject({ kind: "refused", failure: { code: 401 } });
    expect(await ask("broken")).toMatchObject({ kind: "refused", failure: { code: 503 } });
  });
});

describe("faults", () => {
  const logged: unknown[] = [];
  const logger: Logger = { log: (level, message, fields) => logged.push([level, message, String(fields?.["error"])]) };

  it("one that nobody knows is a 500 that says nothing, and is logged", async () => {
    const client = await start({ logger });
    server.clusters.resolve = () => Promise.reject(new Error("secret detail"));
    server.clusters.root.view = () => Promise.reject(new Error("secret detail"));
    const { status, body, text } = await client.get(`${group}/clusters`);
    expect([status, body["reason"]]).toEqual([500, "InternalError"]);
    expect(text).not.toContain("secret");
    expect(logged.splice(0)).toEqual([["error", "a request failed", "Error: secret detail"]]);
    expect((await client.get("/readyz", { token: null })).status).toBe(503);
    expect((await client.get("/livez", { token: null })).status).toBe(200);
    logged.length = 0;
  });

  it("a token that can't be checked is a 503 to be tried again", async () => {
    const authenticator = { authenticate: () => Promise.reject(new Error("secret detail")) };
    const client = await start({ logger, authenticator });
    const { status, headers, text } = await client.get(nodes);
    expect([status, headers.get("retry-after")]).toEqual([503, "1"]);
    expect(text).not.toContain("secret");
    expect(logged.splice(0)).toHaveLength(1);
  });
});

describe("an entry of several changes", () => {
  it("a watch is resumed in its middle", async () => {
    const client = await start();
    const revision = await createTogether(["a", "b", "c", "d"]);
    const whole = await client.watch(`${nodes}?watch=true&resourceVersion=${(revision - 1) * 1000 + 999}`);
    const events = [await whole.next(), await whole.next(), await whole.next(), await whole.next()];
    whole.close();
    for (const [place, event] of events.entries()) {
      const version = event?.object["metadata"]?.["resourceVersion"];
      expect(version).toBe(String(revision * 1000 + place));
      const rest = await client.watch(`${nodes}?watch=true&resourceVersion=${version}&timeoutSeconds=1`);
      const left = ["a", "b", "c", "d"].slice(place + 1).map((name) => `ADDED ${name}`);
      expect(await rest.names(left.length)).toEqual(left);
      rest.close();
    }
  });
});

describe("a page", () => {
  it("says how many follow it, however many, also as of an older revision", async () => {
    const client = await start();
    const steps = Array.from({ length: 5_200 }, (_, index) => (transaction: Transaction) => {
      const spec = nodeKind.spec.parse({ address: "tcp://a:1" });
      transaction.nodes.create({ apiVersion, kind: "Node", metadata: { name: `many-${String(index).padStart(4, "0")}` }, spec });
    });
    await (await store()).batch(steps, { actor: "test" });
    const page = async (path: string) => {
      const { metadata, items } = (await client.get(path)).body;
      return { left: metadata?.["remainingItemCount"], token: metadata?.["continue"], first: items?.[0]?.["metadata"]?.["name"] };
    };
    const { left, token } = await page(`${nodes}?limit=10`);
    expect(left).toBe(5_190);
    await client.post(nodes, node("another"));
    expect(await page(`${nodes}?limit=10&continue=${token}`)).toMatchObject({ left: 5_180, first: "many-0010" });
    expect(await page(`${nodes}?limit=10`)).toMatchObject({ left: 5_191, first: "another" });
  });
});

describe("a stripped log", () => {
  it("answers 410 to old revisions, old pages and old watches, and lists afresh", async () => {
    const client = await start();
    await createTogether(["a", "b", "c"]);
    const first = await client.get(`${nodes}?limit=1`);
    const old = String(first.body["metadata"]?.["resourceVersion"]);
    await createTogether(["d"]);
    await createTogether(["e"]);
    const { uid } = await store();
    const sink = { publish: async () => undefined };
    await new Publisher({ ...server.memory, clock: systemClock, sink }).run(uid);
    await new Stripper(server.memory).run(uid, { before: Number.MAX_SAFE_INTEGER, steps: 10 });
    const answers = [
      await client.get(`${nodes}?resourceVersion=${old}&resourceVersionMatch=Exact`),
      await client.get(`${nodes}?limit=1&continue=${first.body["metadata"]?.["continue"]}`),
    ];
    for (const { status, body } of answers) expect([status, body["reason"]]).toEqual([410, "Expired"]);
    const token = String(answers[1]?.body["metadata"]?.["continue"]);
    const rest = await client.get(`${nodes}?limit=1&continue=${token}`);
    expect([...(rest.body["items"] ?? [])].map((item) => item["metadata"]?.["name"])).toEqual(["b"]);
    const next = await client.get(`${nodes}?continue=${rest.body["metadata"]?.["continue"]}`);
    expect([...(next.body["items"] ?? [])].map((item) => item["metadata"]?.["name"])).toEqual(["c", "d", "e"]);
    expect(answers[0]?.body["metadata"]).toEqual({});
    const watch = await client.watch(`${nodes}?watch=true&resourceVersion=${old}`);
    expect(await watch.rest()).toMatchObject([{ type: "ERROR", object: { code: 410 } }]);
    const fresh = await client.get(`${nodes}?resourceVersion=${old}`);
    expect([fresh.status, [...(fresh.body["items"] ?? [])].length]).toEqual([200, 5]);
  });
});

describe("a watch", () => {
  it("is closed when its reader leaves", async () => {
    const client = await start();
    const watchers = async () => (await store()).load.watchers;
    // The collector's own.
    await expect.poll(watchers).toBe(1);
    const watch = await client.watch(`${nodes}?watch=true`);
    expect(await watchers()).toBe(2);
    watch.close();
    await expect.poll(watchers).toBe(1);
  });

  it("ends when its token does", async () => {
    const client = await start();
    const { uid } = await store();
    server.principals.set("short", { name: "s", role: "viewer", clusterUid: uid, expires: systemClock.now() + 1_000 });
    const watch = await client.watch(`${nodes}?watch=true`, { token: "short" });
    expect(await watch.rest()).toEqual([]);
  });

  it("ends when the process stops, and none begins after that", async () => {
    const stopping = new AbortController();
    const client = await start({ stop: stopping.signal });
    const watch = await client.watch(`${nodes}?watch=true`);
    stopping.abort();
    expect(await watch.rest()).toEqual([]);
    const late = await client.watch(`${nodes}?watch=true`);
    expect(await late.rest()).toEqual([]);
  });

  it("lasts no longer than the host allows", async () => {
    const client = await start({ watchSecondsMax: 1 });
    const watch = await client.watch(`${nodes}?watch=true&timeoutSeconds=600`);
    expect(await watch.rest()).toEqual([]);
  });
});
