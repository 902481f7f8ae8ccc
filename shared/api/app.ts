/**
 * The HTTP interface: its routes, and nothing else. Kubernetes-shaped (DESIGN section 4), on plain requests and answers (exchange.ts), so
 * that every host runs the same one. dispatch.ts serves them, and asks first who calls: only a route that says `open` is spared that.
 */

import type { ApiResponse, Handle } from "../http/exchange.ts";
import { queryOf, Routes } from "../http/router.ts";
import { coreEventKind } from "../kinds/core-event.ts";
import type { KindDefinition } from "../kinds/definition.ts";
import { apiVersion, group } from "../kinds/object.ts";
import { defaultCluster } from "../state/clusters.ts";
import { EventJournal } from "../state/core-events/event-journal.ts";
import type { AdmissionLimits } from "./admission.ts";
import type { Api, Call, ItemCall, Subresource, Transport } from "./call.ts";
import type { EventCall, EventItemCall, PlacedCall } from "./core-events/event-call.ts";
import { getEvent, listEvents } from "./core-events/read-events.ts";
import { removeEvents } from "./core-events/remove-events.ts";
import { watchEvents } from "./core-events/watch-events.ts";
import { createEvent, patchEvent, removeEvent, replaceEvent } from "./core-events/write-events.ts";
import { createObject } from "./create.ts";
import { removeCollection } from "./delete-collection.ts";
import { kindsAt } from "./discovery.ts";
import { type Asked, Dispatcher, type Route } from "./dispatch.ts";
import { Doctor } from "./doctor.ts";
import { Documents } from "./documents.ts";
import { badRequest, RefusedError } from "./errors.ts";
import { exportCluster } from "./export.ts";
import { foreignGroups, type ReviewKind, reviewKinds } from "./foreign-groups.ts";
import { getObject } from "./get.ts";
import { alive, Readiness } from "./health.ts";
import { readHistory } from "./history.ts";
import { importObjects } from "./import.ts";
import { listObjects } from "./list.ts";
import { registerGauges } from "./metrics-gauges.ts";
import { readMetrics } from "./metrics-route.ts";
import { negotiate } from "./negotiate.ts";
import { OpenWatches } from "./open-watches.ts";
import { patchObject } from "./patch.ts";
import { inCluster, type PathCall } from "./path-call.ts";
import { parseFlag } from "./query.ts";
import { removeObject } from "./remove.ts";
import { replaceObject } from "./replace.ts";
import { review, reviewUid } from "./reviews.ts";
import { getScale, patchScale, replaceScale } from "./scale.ts";
import type { IncludeObject } from "./table.ts";
import { createToken, listTokens, revokeToken } from "./token-routes.ts";
import { watchObjects } from "./watch.ts";

export type AppOptions = Omit<Api, "watches" | "events" | "bookmarkSeconds" | "watchSecondsMax" | "transport"> & {
  /** Bytes of the state by what holds them; shown in the metrics. */
  readonly storage?: () => Promise<ReadonlyMap<string, number>>;
  /** How often a watch that asked for bookmarks gets one, at least. */
  readonly bookmarkSeconds?: number;
  /** How long a watch lasts at most. */
  readonly watchSecondsMax?: number;
  /** Absent: stream. */
  readonly transport?: Transport;
  /** How much may be under way at once; absent: admissionLimits. */
  readonly admission?: AdmissionLimits;
  /** Ends all watches, and each new one at once. */
  readonly stop?: AbortSignal;
};

export type App = {
  /** Never rejects. */
  readonly handle: Handle;
  readonly routes: Routes<Route>["all"];
};

type Handler = (asked: Asked) => ApiResponse | Promise<ApiResponse>;

/** Below every idle limit on the way: API Gateway's edge ends a stream after 30 s of silence, load balancers after 60. */
const bookmarkSecondsDefault = 20;
const watchSecondsMaxDefault = 24 * 3600;
/** Of a long poll: below the 29 s after which API Gateway gives a buffered answer up. */
const pollSecondsMax = 25;
/** What stands before the paths of a named cluster; the default one's have nothing before them. */
const clusterBase = "/clusters/:cluster";

export function buildApp(options: AppOptions): App {
  const { bookmarkSeconds = bookmarkSecondsDefault, transport = "stream", stop, storage, admission, ...rest } = options;
  const watchSecondsMax = options.watchSecondsMax ?? (transport === "buffer" ? pollSecondsMax : watchSecondsMaxDefault);
  const shared = { watches: new OpenWatches(rest.clock), events: new EventJournal(rest) };
  const api: Api = { ...rest, ...shared, bookmarkSeconds, watchSecondsMax, transport };
  if (stop?.aborted) api.watches.endAll();
  stop?.addEventListener("abort", () => api.watches.endAll(), { once: true });

  registerGauges(api.metrics.registry, { ...api, storage });

  const app = new Router();
  routeHealth(app, new Readiness(api.clusters, api.clock));
  routeDocuments(app, api, "");
  routeDocuments(app, api, clusterBase);
  routeOwn(app, api, "");
  routeOwn(app, api, clusterBase);
  routeEvents(app, api, "");
  routeEvents(app, api, clusterBase);
  const doctor = new Doctor();
  app.get("/windlass/v1/doctor", (asked) => doctor.look(pathCallOf(api, asked)));
  only(app, "/windlass/v1/doctor", ["GET"]);
  app.get("/metrics", (asked) => readMetrics(pathCallOf(api, asked), api.metrics));
  only(app, "/metrics", ["GET"]);
  for (const definition of kindsAt(api.registry, { root: true })) routeKind(app, api, "", definition);
  for (const definition of kindsAt(api.registry, { root: false })) routeKind(app, api, clusterBase, definition);
  const dispatcher = new Dispatcher(api, app.routes, admission);
  const handle: Handle = (request) => dispatcher.handle(request);
  return { handle, routes: app.routes.all };
}

/** Adds routes by their method; `kind`: whose objects the next ones are about, for the metrics. */
class Router {
  readonly routes = new Routes<Route>();
  readonly #kind: string | undefined;

  constructor(routes?: Routes<Route>, kind?: string) {
    if (routes !== undefined) this.routes = routes;
    this.#kind = kind;
  }

  of(kind: string): Router {
    return new Router(this.routes, kind);
  }

  open = (path: string, handle: Handler) => this.routes.add("GET", path, { handle, open: true });
  get = (path: string, handle: Handler) => this.#add("GET", path, handle);
  post = (path: string, handle: Handler) => this.#add("POST", path, handle);
  put = (path: string, handle: Handler) => this.#add("PUT", path, handle);
  patch = (path: string, handle: Handler) => this.#add("PATCH", path, handle);
  delete = (path: string, handle: Handler) => this.#add("DELETE", path, handle);
  /** What no route before it took. */
  all = (path: string, handle: Handler) => this.#add(undefined, path, handle);

  #add(method: string | undefined, path: string, handle: Handler): void {
    this.routes.add(method, path, { handle, ...(this.#kind !== undefined && { kind: this.#kind }) });
  }
}

function routeHealth(app: Router, readiness: Readiness): void {
  app.open("/healthz", alive);
  app.open("/livez", alive);
  app.open("/readyz", () => readiness.check());
}

function routeDocuments(app: Router, api: Api, base: "" | typeof clusterBase): void {
  const documents = new Documents(api.registry, { root: base === "" }, api.release);
  const get = (path: string, handler: Handler): void => {
    const inside = (asked: Asked) => inCluster(pathCallOf(api, asked), "get", async () => handler(asked));
    app.get(base + path, base === "" ? handler : inside);
    only(app, base + path, ["GET"]);
  };
  get("/version", ({ request }) => documents.version(request));
  get("/api", ({ request }) => documents.core(request));
  get("/api/v1", ({ request }) => documents.coreResources(request));
  get("/apis", ({ request }) => documents.groups(request));
  get(`/apis/${group}`, ({ request }) => documents.group(request));
  get(`/apis/${apiVersion}`, ({ request }) => documents.resources(request));
  for (const group of foreignGroups) {
    get(`/apis/${group}`, ({ request }) => documents.foreignGroup(request, group));
    get(`/apis/${group}/v1`, ({ request }) => documents.foreignResources(request, group));
  }
  get("/openapi/v2", ({ request }) => documents.openApiV2(request));
  get("/openapi/v3", ({ request }) => documents.openApiV3Index(request));
  get("/openapi/v3/api/v1", ({ request }) => documents.openApiV3(request, "api/v1"));
  get(`/openapi/v3/apis/${apiVersion}`, ({ request }) => documents.openApiV3(request, `apis/${apiVersion}`));
}

/** What Kubernetes has no path for is under /windlass/v1; reviews are where Kubernetes has them. */
function routeOwn(app: Router, api: Api, base: "" | typeof clusterBase): void {
  const own = `${base}/windlass/v1`;
  app.get(`${own}/tokens`, (asked) => listTokens(pathCallOf(api, asked)));
  app.post(`${own}/tokens`, (asked) => createToken(pathCallOf(api, asked)));
  app.delete(`${own}/tokens/:id`, (asked) => revokeToken(pathCallOf(api, asked), asked.params["id"] ?? ""));
  app.get(`${own}/history`, (asked) => readHistory(pathCallOf(api, asked)));
  app.get(`${own}/export`, (asked) => exportCluster(pathCallOf(api, asked)));
  app.post(`${own}/import`, (asked) => importObjects(pathCallOf(api, asked)));
  only(app, `${own}/tokens`, ["GET", "POST"]);
  only(app, `${own}/tokens/:id`, ["DELETE"]);
  for (const path of ["history", "export"]) only(app, `${own}/${path}`, ["GET"]);
  only(app, `${own}/import`, ["POST"]);
  for (const [kind, { apiVersion: version, plural }] of Object.entries(reviewKinds)) {
    const path = `${base}/apis/${version}/${plural}`;
    app.post(path, async (asked) => {
      const call = pathCallOf(api, asked);
      return review(call, await reviewUid(call), kind as ReviewKind);
    });
    only(app, path, ["POST"]);
  }
}

function routeEvents(router: Router, api: Api, base: string): void {
  const app = router.of(coreEventKind.plural);
  const everywhere = `${base}/api/v1/events`;
  const collection = `${base}/api/v1/namespaces/:namespace/events`;
  const read = (call: EventCall) =>
    parseFlag(call.query("watch")) && call.request.method === "GET" ? watchEvents(call) : listEvents(call);
  for (const path of [everywhere, collection]) app.get(path, (asked) => read(eventsOf(api, asked)));
  only(app, everywhere, ["GET"], "events are made in a namespace");
  app.post(collection, (asked) => createEvent(placedOf(api, asked)));
  app.delete(collection, (asked) => removeEvents(placedOf(api, asked)));
  only(app, collection, ["GET", "POST", "DELETE"]);
  app.get(`${collection}/:name`, (asked) => getEvent(eventOf(api, asked)));
  app.put(`${collection}/:name`, (asked) => replaceEvent(eventOf(api, asked)));
  app.patch(`${collection}/:name`, (asked) => patchEvent(eventOf(api, asked)));
  app.delete(`${collection}/:name`, (asked) => removeEvent(eventOf(api, asked)));
  only(app, `${collection}/:name`, ["GET", "PUT", "PATCH", "DELETE"]);
}

function routeKind(router: Router, api: Api, base: string, definition: KindDefinition): void {
  const app = router.of(definition.plural);
  const { plural, namespaced, scope } = definition;
  const root = `${base}/apis/${apiVersion}`;
  const collection = namespaced ? `${root}/namespaces/:namespace/${plural}` : `${root}/${plural}`;
  if (namespaced) {
    const everywhere = `${root}/${plural}`;
    app.get(everywhere, (asked) => readCollection(callOf(api, asked, definition)));
    only(app, everywhere, ["GET"], "objects of this kind are made in a namespace");
  }
  app.get(collection, (asked) => readCollection(callOf(api, asked, definition)));
  app.get(`${collection}/:name`, (asked) => getObject(itemOf(api, asked, definition)));
  app.get(`${collection}/:name/status`, (asked) => getObject(itemOf(api, asked, definition, "status")));
  app.post(collection, (asked) => createObject(callOf(api, asked, definition)));
  app.put(`${collection}/:name`, (asked) => replaceObject(itemOf(api, asked, definition)));
  app.patch(`${collection}/:name`, (asked) => patchObject(itemOf(api, asked, definition)));
  app.delete(`${collection}/:name`, (asked) => removeObject(itemOf(api, asked, definition)));
  app.put(`${collection}/:name/status`, (asked) => replaceObject(itemOf(api, asked, definition, "status")));
  app.patch(`${collection}/:name/status`, (asked) => patchObject(itemOf(api, asked, definition, "status")));
  // As Kubernetes' namespaces, clusters go one by one.
  if (scope === "cluster") app.delete(collection, (asked) => removeCollection(callOf(api, asked, definition)));
  if (definition.scaling !== undefined)
    routeScale(app, `${collection}/:name/scale`, (asked) => itemOf(api, asked, definition, "scale"));
  only(app, collection, scope === "cluster" ? ["GET", "POST", "DELETE"] : ["GET", "POST"]);
  only(app, `${collection}/:name`, ["GET", "PUT", "PATCH", "DELETE"]);
  only(app, `${collection}/:name/status`, ["GET", "PUT", "PATCH"]);
}

function routeScale(app: Router, path: string, callOf: (asked: Asked) => ItemCall): void {
  app.get(path, (asked) => getScale(callOf(asked)));
  app.put(path, (asked) => replaceScale(callOf(asked)));
  app.patch(path, (asked) => patchScale(callOf(asked)));
  only(app, path, ["GET", "PUT", "PATCH"]);
}

/** A HEAD must not open a watch that nobody reads. */
function readCollection(call: Call): Promise<ApiResponse> {
  return parseFlag(call.query("watch")) && call.request.method === "GET" ? watchObjects(call) : listObjects(call);
}

/** Every other method of a path that was routed before. */
function only(app: Router, path: string, methods: readonly string[], why?: string): void {
  app.all(path, () => {
    throw new RefusedError({ kind: "methodNotAllowed", allowed: methods, ...(why !== undefined && { why }) });
  });
}

function pathCallOf(api: Api, { request, principal, path, params }: Asked): PathCall {
  const query = (name: string): string | undefined => queryOf(request.url, name);
  return { api, request, principal, path, cluster: params["cluster"], query };
}

function eventsOf(api: Api, asked: Asked): EventCall {
  const call = pathCallOf(api, asked);
  return {
    ...call,
    namespace: asked.params["namespace"],
    format: negotiate(asked.request.header("accept")),
    includeObject: parseIncludeObject(call.query("includeObject")),
  };
}

const placedOf = (api: Api, asked: Asked): PlacedCall => ({
  ...eventsOf(api, asked),
  namespace: asked.params["namespace"] ?? "",
});
const eventOf = (api: Api, asked: Asked): EventItemCall => ({ ...placedOf(api, asked), name: asked.params["name"] ?? "" });

function callOf(api: Api, { request, principal, params }: Asked, definition: KindDefinition, subresource?: Subresource): Call {
  const query = (name: string): string | undefined => queryOf(request.url, name);
  return {
    api,
    request,
    principal,
    cluster: params["cluster"] ?? defaultCluster,
    definition,
    namespace: params["namespace"],
    subresource,
    format: negotiate(request.header("accept")),
    includeObject: parseIncludeObject(query("includeObject")),
    query,
  };
}

function itemOf(api: Api, asked: Asked, definition: KindDefinition, subresource?: Subresource): ItemCall {
  return { ...callOf(api, asked, definition, subresource), name: asked.params["name"] ?? "" };
}

function parseIncludeObject(text: string | undefined): IncludeObject {
  if (text === undefined || text === "") return "Metadata";
  if (text === "None" || text === "Metadata" || text === "Object") return text;
  throw badRequest(`includeObject: Invalid value: ${JSON.stringify(text)}: must be None, Metadata or Object`);
}
