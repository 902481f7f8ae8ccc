/** core/v1 Events: what client-go's recorders write and kubectl reads, though no log holds them. */
import { expect, it } from "vitest";
import type { Json } from "../../shared/base/json.ts";
import { type Body, type Client, group, unique } from "./client.ts";
import { tokenOf } from "./reviews.ts";

const everywhere = "/api/v1/events";
const events = "/api/v1/namespaces/default/events";
const strategic = "application/strategic-merge-patch+json";
const table = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json";

/** Of a node that only its case knows. */
const event = (name: string, fields: Record<string, Json> = {}): Json => ({
  apiVersion: "v1",
  kind: "Event",
  metadata: { name },
  involvedObject: { apiVersion: "windlass.dev/v1", kind: "Node", name, uid: `uid-${name}` },
  reason: "NotReady",
  message: "it does not answer",
  type: "Warning",
  source: { component: "healer", host: "here" },
  firstTimestamp: "2026-01-02T03:04:05Z",
  lastTimestamp: "2026-01-02T03:04:05Z",
  eventTime: null,
  count: 1,
  ...fields,
});
type PageMetadata = {
  readonly resourceVersion: string;
  readonly continue?: string;
  readonly remainingItemCount?: number;
};
const namesOf = ({ body }: { readonly body: Body }) => [...(body["items"] ?? [])].map((item) => item["metadata"]?.["name"]);
const about = (name: string) => `fieldSelector=involvedObject.name%3D${name}`;

export function eventCases(client: Client): void {
  it("an event is made, read and listed as it was sent, with what the server adds", async () => {
    const name = unique("event");
    const { status, body } = await client.post(events, event(name));
    const { eventTime: _, metadata: __, ...sent } = event(name) as Record<string, Json>;
    expect([status, body]).toMatchObject([201, sent]);
    expect(body["metadata"]).toEqual({
      name,
      namespace: "default",
      uid: expect.any(String),
      resourceVersion: expect.stringMatching(/^[1-9][0-9]{15}$/),
      creationTimestamp: expect.stringMatching(/Z$/),
    });
    expect((await client.get(`${events}/${name}`)).body).toEqual(body);
    for (const path of [events, everywhere, `/clusters/default${events}`]) {
      const list = await client.get(`${path}?${about(name)}`);
      expect(list.body).toMatchObject({ kind: "EventList", apiVersion: "v1", items: [body] });
      expect(Number(list.body["metadata"]?.["resourceVersion"])).toBeGreaterThanOrEqual(
        Number(body["metadata"]?.["resourceVersion"]),
      );
    }
    expect(namesOf(await client.get(`/api/v1/namespaces/${name}/events`))).toEqual([]);
  });

  it("kubectl's selectors find the events of one object", async () => {
    const name = unique("event");
    await client.post(events, event(name));
    const selectors = [
      `involvedObject.kind=Node,involvedObject.uid=uid-${name},involvedObject.name=${name},involvedObject.namespace=`,
      `involvedObject.name=${name},type=Warning,reason=NotReady,source=healer`,
      `involvedObject.name=${name},type!=Normal,metadata.namespace=default,reportingComponent=`,
      `metadata.name=${name}`,
    ];
    for (const selector of selectors)
      expect(namesOf(await client.get(`${everywhere}?limit=500&fieldSelector=${encodeURIComponent(selector)}`))).toEqual([name]);
    expect(namesOf(await client.get(`${everywhere}?${about(name)},type=Normal`))).toEqual([]);
    expect((await client.get(`${everywhere}?fieldSelector=count=1`)).status).toBe(400);
    await client.patch(`${events}/${name}`, { metadata: { labels: { a: name } } });
    expect(namesOf(await client.get(`${everywhere}?labelSelector=a%3D${name}`))).toEqual([name]);
  });

  /** So many events in a namespace of their own, named a, b, c, ... */
  const several = async (count: number) => {
    const namespace = unique("many");
    const path = `/api/v1/namespaces/${namespace}/events`;
    const make = (name: string, reason = "Many") =>
      client.post(path, event(name, { involvedObject: { namespace, name: "thing" }, reason }));
    for (let index = 0; index < count; index += 1) await make("abcdefgh".charAt(index));
    return { path, make, all: `${path}?limit=2` };
  };
  const pageOf = async (path: string) => {
    const answer = await client.get(path);
    const { resourceVersion, continue: token, remainingItemCount } = (answer.body["metadata"] ?? {}) as unknown as PageMetadata;
    return { names: namesOf(answer).join(""), resourceVersion, token, left: remainingItemCount };
  };

  it("the pages of a list are as of its first one, whatever comes meanwhile", async () => {
    const { path, make, all } = await several(5);
    const first = await pageOf(all);
    expect(first).toMatchObject({ names: "ab", left: 3 });
    await make("bb");
    await client.patch(`${path}/a`, { count: 7 });
    await client.delete(`${path}/b`);
    const second = await pageOf(`${all}&continue=${first.token}`);
    expect(second).toMatchObject({ names: "cd", left: 1, resourceVersion: first.resourceVersion });
    await make("ee");
    const last = await pageOf(`${all}&continue=${second.token}`);
    expect(last).toEqual({ names: "e", resourceVersion: first.resourceVersion });
    expect((await pageOf(path)).names).toBe("abbcdeee");
    const { resourceVersion } = await pageOf(all);
    await make("f");
    const watch = await client.watch(`${path}?watch=true&resourceVersion=${resourceVersion}`);
    expect(await watch.names(1)).toEqual(["ADDED f"]);
    watch.close();
  });

  it("a selector chooses within pages, and then nobody counts what is left", async () => {
    const { path, make } = await several(3);
    for (const name of ["ab", "bc", "cd"]) await make(name, "Chosen");
    const chosen = `${path}?limit=2&fieldSelector=reason%3DChosen`;
    const first = await pageOf(chosen);
    expect([first.names, first.left]).toEqual(["abbc", undefined]);
    expect(await pageOf(`${chosen}&continue=${first.token}`)).toMatchObject({ names: "cd", token: undefined });
    for (const other of [`${path}?limit=2`, `${everywhere}?limit=2&fieldSelector=reason%3DChosen`, `${group}/nodes?limit=2`]) {
      expect((await client.get(`${other}&continue=${first.token}`)).status).toBe(400);
    }
    expect((await client.get(`${chosen}&continue=${first.token}&resourceVersion=5`)).status).toBe(400);
    expect((await client.get(`${chosen}&continue=nonsense`)).status).toBe(400);
  });

  it("a page whose events were written again or deleted since is a 410, with a token for the rest as it is now", async () => {
    const { path, all } = await several(6);
    const { token } = await pageOf(all);
    await client.patch(`${path}/e`, { count: 7 });
    const gone = await client.get(`${all}&continue=${token}`);
    expect([gone.status, gone.body["reason"]]).toEqual([410, "Expired"]);
    const rest = await pageOf(`${all}&continue=${gone.body["metadata"]?.["continue"]}`);
    expect(rest).toMatchObject({ names: "cd", left: 2 });
    await client.delete(`${path}/e`);
    expect((await client.get(`${all}&continue=${rest.token}`)).status).toBe(410);
  });

  it("events are deleted together, those that are selected or that a page has; what was found is the answer", async () => {
    const { path, make, all } = await several(5);
    await make("chosen", "Chosen");
    const chosen = await client.delete(`${path}?fieldSelector=reason%3DChosen`);
    expect([chosen.status, chosen.body["kind"], namesOf(chosen)]).toEqual([200, "EventList", ["chosen"]]);
    expect(namesOf(await client.delete(`${path}?dryRun=All`))).toHaveLength(5);
    const version = String((await client.get(path)).body["metadata"]?.["resourceVersion"]);
    const page = await client.delete(all);
    const { continue: token, remainingItemCount } = page.body["metadata"] as unknown as PageMetadata;
    expect([namesOf(page), remainingItemCount]).toEqual([["a", "b"], 3]);
    expect((await client.get(`${path}?watch=true&resourceVersion=${version}&timeoutSeconds=1`)).body).toMatchObject({
      type: "ERROR",
      object: { code: 410 },
    });
    expect(namesOf(await client.delete(`${all}&continue=${token}`))).toEqual(["c", "d"]);
    expect((await client.delete(path, { body: { preconditions: { uid: "another" } } })).status).toBe(409);
    expect(namesOf(await client.get(path))).toEqual(["e"]);
    const viewer = await tokenOf(client, "viewer");
    expect((await client.delete(path, { token: viewer })).status).toBe(403);
    expect(namesOf(await client.delete(path))).toEqual(["e"]);
    expect(namesOf(await client.get(path))).toEqual([]);
    expect((await client.delete(everywhere)).status).toBe(405);
  });

  it("server-side apply is refused, and says why", async () => {
    const name = unique("event");
    const path = `${events}/${name}?fieldManager=me`;
    const { status, body } = await client.patch(path, event(name), { type: "application/apply-patch+yaml" });
    expect([status, body["reason"]]).toEqual([415, "UnsupportedMediaType"]);
    expect(body["message"]).toMatch(/accepted media types include: .*strategic-merge-patch.*events have no managedFields/);
    expect((await client.get(`${events}/${name}`)).status).toBe(404);
  });

  it("a recorder counts by a strategic merge patch, and makes by a put what has gone", async () => {
    const name = unique("event");
    const { body: made } = await client.post(events, event(name));
    const counted = await client.patch(
      `${events}/${name}`,
      { count: 2, lastTimestamp: "2026-01-02T03:05:05Z" },
      { type: strategic },
    );
    expect([counted.status, counted.body]).toMatchObject([200, { count: 2, firstTimestamp: "2026-01-02T03:04:05Z" }]);
    expect(counted.body["metadata"]?.["uid"]).toBe(made["metadata"]?.["uid"]);
    const json = [{ op: "replace", path: "/count", value: 3 }];
    expect((await client.patch(`${events}/${name}`, json, { type: "application/json-patch+json" })).body["count"]).toBe(3);
    const deleted = await client.delete(`${events}/${name}`);
    expect([deleted.status, deleted.body]).toMatchObject([
      200,
      { kind: "Status", status: "Success", details: { name, kind: "events" } },
    ]);
    const gone = await client.patch(`${events}/${name}`, { count: 4 }, { type: strategic });
    expect([gone.status, gone.body["message"]]).toEqual([404, `events "${name}" not found`]);
    expect((await client.put(`${events}/${name}`, event(name))).status).toBe(201);
    expect((await client.put(`${events}/${name}`, event(name, { count: 9 }))).body["count"]).toBe(9);
    const directive = { involvedObject: { $patch: "delete" } };
    expect((await client.patch(`${events}/${name}`, directive, { type: strategic })).status).toBe(400);
  });

  it("a name that is taken, a stale version and another uid are conflicts; nothing changes", async () => {
    const name = unique("event");
    const { body: made } = await client.post(events, event(name));
    const again = await client.post(events, event(name));
    expect([again.status, again.body["reason"], again.body["message"]]).toEqual([
      409,
      "AlreadyExists",
      `events "${name}" already exists`,
    ]);
    const { resourceVersion, uid } = made["metadata"] as unknown as { resourceVersion: string; uid: string };
    const put = (metadata: Json) => client.put(`${events}/${name}`, event(name, { metadata, count: 5 }));
    expect((await put({ name, resourceVersion: "1000" })).status).toBe(409);
    expect((await put({ name, uid: "another" })).status).toBe(409);
    expect((await client.delete(`${events}/${name}`, { body: { preconditions: { uid: "another" } } })).status).toBe(409);
    expect((await client.get(`${events}/${name}`)).body).toEqual(made);
    expect((await put({ name, resourceVersion, uid })).status).toBe(200);
  });

  it("what is no event, stands elsewhere or is too large is refused and not written", async () => {
    const name = unique("event");
    const refused: readonly (readonly [Json, number, string])[] = [
      [event(name, { involvedObject: { namespace: "other", name } }), 422, "involvedObject.namespace"],
      [event(name, { count: "many" }), 422, "count"],
      [event(name, { firstTimestamp: "yesterday" }), 422, "firstTimestamp"],
      [event(name, { metadata: { name: "A" } }), 422, "metadata.name"],
      [event(name, { metadata: {} }), 422, "name or generateName is required"],
      [event(name, { metadata: { name, namespace: "other" } }), 400, "namespace"],
      [event(name, { apiVersion: "events.k8s.io/v1" }), 422, "apiVersion"],
      [event(name, { message: "x".repeat(9_000) }), 413, "8192"],
      [{ apiVersion: "v1", kind: "Event", metadata: { name } }, 422, "involvedObject"],
    ];
    for (const [body, wanted, says] of refused) {
      const answer = await client.post(events, body);
      expect([answer.status, answer.body["message"]]).toEqual([wanted, expect.stringContaining(says)]);
    }
    const strict = await client.post(`${events}?fieldValidation=Strict`, event(name, { colour: "red" }));
    expect([strict.status, strict.body["message"]]).toEqual([400, expect.stringContaining('unknown field "colour"')]);
    expect((await client.post(`${events}?dryRun=All`, event(name))).status).toBe(201);
    expect((await client.get(`${events}/${name}`)).status).toBe(404);
    const warned = await client.post(events, event(name, { colour: "red" }));
    expect([warned.status, warned.headers.get("warning")]).toEqual([201, expect.stringContaining("colour")]);
  });

  it("a name is completed where only its beginning is given", async () => {
    const beginning = unique("event");
    const { status, body } = await client.post(events, event("any", { metadata: { generateName: `${beginning}-` } }));
    expect([status, body["metadata"]?.["name"]]).toEqual([201, expect.stringMatching(`^${beginning}-.{5}$`)]);
  });

  it("a table has the columns of kubectl get events", async () => {
    const name = unique("event");
    await client.post(events, event(name, { count: 3 }));
    const { body } = await client.get(`${events}?${about(name)}`, { accept: table });
    const columns = [...(body["columnDefinitions"] ?? [])].map((column) => column["name"]);
    expect(columns.slice(0, 4)).toEqual(["Last Seen", "Type", "Reason", "Object"]);
    const cells = [...(body["rows"]?.[0]?.["cells"] ?? [])];
    expect(cells.slice(1, 7)).toEqual(["Warning", "NotReady", `node/${name}`, "", "healer, here", "it does not answer"]);
    expect(cells.slice(8)).toEqual(["3", name]);
    expect(body["rows"]?.[0]?.["object"]).toMatchObject({ kind: "PartialObjectMetadata", metadata: { name } });
  });

  it("a watch tells what was made, changed and deleted since the list that it goes on from", async () => {
    const name = unique("event");
    const { body } = await client.get(`${everywhere}?${about(name)}`);
    await client.post(events, event(name));
    const watch = await client.watch(
      `${everywhere}?watch=true&${about(name)}&resourceVersion=${body["metadata"]?.["resourceVersion"]}`,
    );
    expect(await watch.names(1)).toEqual([`ADDED ${name}`]);
    await client.post(events, event(unique("other")));
    await client.patch(`${events}/${name}`, { count: 2 });
    expect(await watch.next()).toMatchObject({ type: "MODIFIED", object: { count: 2, metadata: { name } } });
    // Between two polls nobody knows what an event was before: that it left the filter can't be told.
    if (client.transport === "buffer") return watch.close();
    await client.patch(`${events}/${name}`, { involvedObject: { name: "another" } });
    expect(await watch.names(1)).toEqual([`DELETED ${name}`]);
    watch.close();
  });

  it("a watch from nowhere begins with what is there, and marks its end where that is asked for", async () => {
    const name = unique("event");
    await client.post(events, event(name));
    const plain = await client.watch(`${events}?watch=true&${about(name)}&timeoutSeconds=1`);
    expect(await plain.names(2)).toEqual([`ADDED ${name}`]);
    const marks = "sendInitialEvents=true&allowWatchBookmarks=true&resourceVersionMatch=NotOlderThan";
    const marked = await client.watch(`${events}?watch=true&${about(name)}&${marks}`);
    expect(await marked.names(1)).toEqual([`ADDED ${name}`]);
    const mark = await marked.next();
    expect(mark).toMatchObject({
      type: "BOOKMARK",
      object: { metadata: { annotations: { "k8s.io/initial-events-end": "true" } } },
    });
    marked.close();
  });

  it("a watch or a list from above the last event is a 410", async () => {
    const version = "9000000000000000";
    const watch = await client.watch(`${events}?watch=true&resourceVersion=${version}`);
    expect(await watch.rest()).toMatchObject([{ type: "ERROR", object: { code: 410 } }]);
    expect((await client.get(`${events}?resourceVersion=${version}`)).status).toBe(410);
  });

  it("viewers read, editors write, and one cluster's events are no other's", async () => {
    const name = unique("event");
    const [viewer, editor] = [await tokenOf(client, "viewer"), await tokenOf(client, "editor")];
    expect((await client.post(events, event(name), { token: viewer })).status).toBe(403);
    expect((await client.post(events, event(name), { token: editor })).status).toBe(201);
    expect((await client.get(`${events}/${name}`, { token: viewer })).status).toBe(200);
    const refused = await client.delete(`${events}/${name}`, { token: viewer });
    expect([refused.status, refused.body["message"]]).toEqual([403, expect.stringContaining('cannot delete resource "events"')]);
    const cluster = unique("events");
    await client.post("/apis/windlass.dev/v1/clusters", {
      apiVersion: "windlass.dev/v1",
      kind: "Cluster",
      metadata: { name: cluster },
      spec: {},
    });
    const there = `/clusters/${cluster}${events}`;
    expect(namesOf(await client.get(there))).toEqual([]);
    expect((await client.get(there, { token: viewer })).status).toBe(403);
    expect((await client.get(`/clusters/nobody${events}`, { token: viewer })).status).toBe(403);
    expect((await client.post(everywhere, event(name))).status).toBe(405);
  });
}
