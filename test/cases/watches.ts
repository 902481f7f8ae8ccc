/** Watches: where they begin, what selectors let through, how they end. */
import { expect, it } from "vitest";
import { type Client, group, node, service, unique } from "./client.ts";

const nodes = `${group}/nodes`;

/** What WatchList asks with. */
const initial = "sendInitialEvents=true&resourceVersionMatch=NotOlderThan";

export function watchCases(client: Client): void {
  it.each(["", "&resourceVersion=0"])(
    "without a version to begin at ('%s') it tells what is there, then what happens",
    async (from) => {
      const mark = unique("watch");
      await client.post(nodes, node(`${mark}-a`, { case: mark }));
      const watch = await client.watch(`${nodes}?watch=true&labelSelector=case%3D${mark}${from}`);
      expect([watch.status, watch.headers.get("content-type")]).toEqual([200, "application/json"]);
      expect(await watch.names(1)).toEqual([`ADDED ${mark}-a`]);
      await client.post(nodes, node(`${mark}-b`, { case: mark }));
      await client.patch(`${nodes}/${mark}-a`, { spec: { availability: "pause" } });
      await client.delete(`${nodes}/${mark}-b`);
      expect(await watch.names(3)).toEqual([`ADDED ${mark}-b`, `MODIFIED ${mark}-a`, `DELETED ${mark}-b`]);
      watch.close();
    },
  );

  it("from a list's version it tells what came after; from an event's, what came after that", async () => {
    const mark = unique("watch");
    const query = `${nodes}?watch=true&labelSelector=case%3D${mark}`;
    const version = (await client.get(`${nodes}?limit=1`)).headers.get("x-windlass-resource-version");
    for (const part of ["a", "b", "c"]) await client.post(nodes, node(`${mark}-${part}`, { case: mark }));
    const watch = await client.watch(`${query}&resourceVersion=${version}`);
    const [first] = [await watch.next(), await watch.next()];
    expect(await watch.names(1)).toEqual([`ADDED ${mark}-c`]);
    watch.close();
    const again = await client.watch(`${query}&resourceVersion=${first?.object["metadata"]?.["resourceVersion"]}`);
    expect(await again.names(2)).toEqual([`ADDED ${mark}-b`, `ADDED ${mark}-c`]);
    again.close();
  });

  it("a deletion carries the last object with a version of its own, from which a watch goes on", async () => {
    const mark = unique("watch");
    const { body: made } = await client.post(nodes, node(mark, { case: mark }));
    const query = `${nodes}?watch=true&labelSelector=case%3D${mark}`;
    const watch = await client.watch(query);
    await watch.next();
    await client.delete(`${nodes}/${mark}`);
    const gone = await watch.next();
    expect(gone).toMatchObject({ type: "DELETED", object: { metadata: { name: mark, uid: made["metadata"]?.["uid"] } } });
    const version = Number(gone?.object["metadata"]?.["resourceVersion"]);
    expect(version).toBeGreaterThan(Number(made["metadata"]?.["resourceVersion"]));
    watch.close();
    await client.post(nodes, node(mark, { case: mark }));
    const again = await client.watch(`${query}&resourceVersion=${version}`);
    expect(await again.names(1)).toEqual([`ADDED ${mark}`]);
    again.close();
  });

  it("an object that enters a selector is ADDED, one that leaves it DELETED", async () => {
    const mark = unique("watch");
    const [byLabel, byField] = await Promise.all([
      client.watch(`${nodes}?watch=true&labelSelector=case%3D${mark},on%3Dyes`),
      client.watch(`${nodes}?watch=true&labelSelector=case%3D${mark}&fieldSelector=spec.availability%3Ddrain`),
    ]);
    await client.post(nodes, node(mark, { case: mark }));
    await client.patch(`${nodes}/${mark}`, { metadata: { labels: { on: "yes" } }, spec: { availability: "drain" } });
    await client.patch(`${nodes}/${mark}`, { metadata: { annotations: { a: "b" } } });
    await client.patch(`${nodes}/${mark}`, { metadata: { labels: { on: "no" } }, spec: { availability: "active" } });
    const wanted = [`ADDED ${mark}`, `MODIFIED ${mark}`, `DELETED ${mark}`];
    expect([await byLabel.names(3), await byField.names(3)]).toEqual([wanted, wanted]);
    byLabel.close();
    byField.close();
  });

  it("one object, or one namespace, is watched alone", async () => {
    const [name, namespace] = [unique("watch"), unique("team")];
    const single = await client.watch(`${group}/services?watch=true&fieldSelector=metadata.name%3D${name}`);
    const team = await client.watch(`${group}/namespaces/${namespace}/services?watch=1`);
    for (const each of ["default", namespace]) await client.post(`${group}/namespaces/${each}/services`, service(name, each));
    await client.post(`${group}/namespaces/${namespace}/services`, service(`${name}-2`, namespace));
    expect(await single.names(2)).toEqual([`ADDED ${name}`, `ADDED ${name}`]);
    expect(await team.names(2)).toEqual([`ADDED ${name}`, `ADDED ${name}-2`]);
    single.close();
    team.close();
  });

  it("timeoutSeconds ends it cleanly, with a bookmark at the newest revision where they were asked for", async () => {
    const mark = unique("watch");
    const query = `${nodes}?watch=true&timeoutSeconds=1&labelSelector=case%3D${mark}`;
    const begun = Promise.all([client.watch(query), client.watch(`${query}&allowWatchBookmarks=true`)]);
    const { headers } = await client.post(nodes, node(unique("other")));
    const [plain, marked] = await begun;
    expect(await plain.rest()).toEqual([]);
    const last = (await marked.rest()).at(-1);
    expect(last).toMatchObject({ type: "BOOKMARK", object: { kind: "Node", apiVersion: "windlass.dev/v1" } });
    const version = String(last?.object["metadata"]?.["resourceVersion"]);
    expect(Number(version)).toBeGreaterThanOrEqual(Number(headers.get("x-windlass-resource-version")));
    const on = await client.watch(`${nodes}?watch=true&labelSelector=case%3D${mark}&resourceVersion=${version}`);
    await client.post(nodes, node(mark, { case: mark }));
    expect(await on.names(1)).toEqual([`ADDED ${mark}`]);
    on.close();
  });

  it("a version that can't be continued is an ERROR event with a 410 Status, and the end", async () => {
    const head = Number((await client.get(`${nodes}?limit=1`)).headers.get("x-windlass-resource-version"));
    for (const version of [5_000, head + 1_000_000]) {
      const watch = await client.watch(`${nodes}?watch=true&resourceVersion=${version}`);
      const events = await watch.rest();
      expect(events).toMatchObject([{ type: "ERROR", object: { kind: "Status", code: 410, reason: "Expired" } }]);
    }
  });

  it.each(["", "&resourceVersion=0", "&resourceVersion=N"])(
    "sendInitialEvents ('%s') tells the objects, a bookmark that marks their end, and then what happens",
    async (from) => {
      const mark = unique("initial");
      const names = ["a", "b"].map((part) => `${mark}-${part}`);
      for (const name of names) await client.post(nodes, node(name, { case: mark }));
      const { headers } = await client.get(`${nodes}?limit=1`);
      const head = String(headers.get("x-windlass-resource-version"));
      const query = `${nodes}?watch=true&labelSelector=case%3D${mark}&${initial}${from.replace("N", head)}`;
      const watch = await client.watch(`${query}&allowWatchBookmarks=true`);
      expect(await watch.names(2)).toEqual(names.map((name) => `ADDED ${name}`));
      const end = await watch.next();
      expect(end).toMatchObject({
        type: "BOOKMARK",
        object: {
          kind: "Node",
          apiVersion: "windlass.dev/v1",
          metadata: { annotations: { "k8s.io/initial-events-end": "true" } },
        },
      });
      const version = String(end?.object["metadata"]?.["resourceVersion"]);
      expect(Number(version)).toBeGreaterThanOrEqual(Number(head));
      await client.delete(`${nodes}/${names[0]}`);
      expect(await watch.names(1)).toEqual([`DELETED ${names[0]}`]);
      watch.close();
      const on = await client.watch(`${nodes}?watch=true&labelSelector=case%3D${mark}&resourceVersion=${version}`);
      expect(await on.names(1)).toEqual([`DELETED ${names[0]}`]);
      on.close();
    },
  );

  it("the end of the objects carries the empty list that a client makes of them", async () => {
    const watch = await client.watch(`${nodes}?watch=true&labelSelector=case%3Dnone&${initial}&allowWatchBookmarks=true`);
    const annotations = (await watch.next())?.object["metadata"]?.["annotations"];
    watch.close();
    const blueprint = Buffer.from(String(annotations?.["kubernetes.io/initial-events-list-blueprint"]), "base64").toString();
    expect(JSON.parse(blueprint)).toEqual({ kind: "NodeList", apiVersion: "windlass.dev/v1", metadata: {}, items: [] });
  });

  it("sendInitialEvents without bookmarks tells no end; sendInitialEvents=false tells no objects", async () => {
    const mark = unique("initial");
    await client.post(nodes, node(`${mark}-a`, { case: mark }));
    const query = `${nodes}?watch=true&labelSelector=case%3D${mark}&resourceVersionMatch=NotOlderThan`;
    const unmarked = await client.watch(`${query}&sendInitialEvents=true`);
    const unsent = await client.watch(`${query}&sendInitialEvents=false&allowWatchBookmarks=true`);
    const zero = await client.watch(`${query}&sendInitialEvents=false&resourceVersion=0`);
    await client.post(nodes, node(`${mark}-b`, { case: mark }));
    expect(await unmarked.names(2)).toEqual([`ADDED ${mark}-a`, `ADDED ${mark}-b`]);
    expect(await unsent.names(1)).toEqual([`ADDED ${mark}-b`]);
    expect(await zero.names(1)).toEqual([`ADDED ${mark}-b`]);
    for (const watch of [unmarked, unsent, zero]) watch.close();
  });

  it("sendInitialEvents from a version that was never here is an ERROR event with a 410 Status", async () => {
    const head = Number((await client.get(`${nodes}?limit=1`)).headers.get("x-windlass-resource-version"));
    for (const version of [5_000, head + 1_000_000]) {
      const watch = await client.watch(`${nodes}?watch=true&${initial}&allowWatchBookmarks=true&resourceVersion=${version}`);
      expect(await watch.rest()).toMatchObject([{ type: "ERROR", object: { code: 410, reason: "Expired" } }]);
    }
  });

  it("events as PartialObjectMetadata carry metadata only, the end of the objects too", async () => {
    const mark = unique("initial");
    await client.post(nodes, node(mark, { case: mark }));
    const accept = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1,application/json";
    const watch = await client.watch(`${nodes}?watch=true&labelSelector=case%3D${mark}&${initial}&allowWatchBookmarks=true`, {
      accept,
    });
    const events = [await watch.next(), await watch.next()];
    await client.patch(`${nodes}/${mark}`, { spec: { availability: "drain" } });
    events.push(await watch.next());
    watch.close();
    expect(events.map((event) => event?.type)).toEqual(["ADDED", "BOOKMARK", "MODIFIED"]);
    for (const event of events) {
      expect(event?.object).toMatchObject({ kind: "PartialObjectMetadata", apiVersion: "meta.k8s.io/v1" });
      expect(event?.object).not.toHaveProperty("spec");
    }
  });

  it("the end of the objects as a Table stands in the metadata of its one row", async () => {
    const accept = "application/json;as=Table;v=v1;g=meta.k8s.io";
    const watch = await client.watch(`${nodes}?watch=true&labelSelector=case%3Dnone&${initial}&allowWatchBookmarks=1`, {
      accept,
    });
    const event = await watch.next();
    watch.close();
    expect(event?.object["rows"]?.[0]?.["object"]?.["metadata"]?.["annotations"]).toMatchObject({
      "k8s.io/initial-events-end": "true",
    });
  });
}
