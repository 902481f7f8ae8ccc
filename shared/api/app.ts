/**
 * The HTTP interface: its routes, and nothing else. Kubernetes-shaped (DESIGN section 4), on web standards, so that every host runs
 * the same one. All but health asks first who calls: that stands before every other route, so a new one can't forget it.
 */
import { type Context, Hono } from "hono";
import type { KindDefinition } from "../kinds/definition.ts";
import { apiVersion, group } from "../kinds/object.ts";
import { defaultCluster } from "../state/clusters.ts";
import type { Principal } from "./access/access.ts";
import { authenticate } from "./authenticate.ts";
import type { Api, Call, ItemCall, Subresource } from "./call.ts";
import { createObject } from "./create.ts";
import { removeCollection } from "./delete-collection.ts";
import { kindsAt } from "./discovery.ts";
import { Documents } from "./documents.ts";
import { badRequest, RefusedError } from "./errors.ts";
import { exportCluster } from "./export.ts";
import { foreignGroups, type ReviewKind, reviewKinds } from "./foreign-groups.ts";
import { getObject } from "./get.ts";
import { alive, Readiness } from "./health.ts";
import { readHistory } from "./history.ts";
import { importObjects } from "./import.ts";
import { listObjects } from "./list.ts";
import { measure } from "./measure.ts";
import { registerGauges } from "./metrics-gauges.ts";
import { readMetrics } from "./metrics-route.ts";
import { negotiate } from "./negotiate.ts";
import { patchObject } from "./patch.ts";
import { inCluster, type PathCall } from "./path-call.ts";
import { parseFlag } from "./query.ts";
import { removeObject } from "./remove.ts";
import { replaceObject } from "./replace.ts";
import { review, reviewUid } from "./reviews.ts";
import { getScale, patchScale, replaceScale } from "./scale.ts";
import { failureOf, failureResponse } from "./status.ts";
import type { IncludeObject } from "./table.ts";
import { createToken, listTokens, revokeToken } from "./token-routes.ts";
import { watchObjects } from "./watch.ts";
import { OpenWatches } from "./watch-stream.ts";

export type AppOptions = Omit<Api, "watches" | "bookmarkSeconds" | "watchSecondsMax"> & {
  /** Bytes of the state by what holds them; shown in the metrics. */
  readonly storage?: () => Promise<ReadonlyMap<string, number>>;
  /** How often a watch that asked for bookmarks gets one, at least. */
  readonly bookmarkSeconds?: number;
  /** How long a watch lasts at most. */
  readonly watchSecondsMax?: number;
  /** Ends all watches, and each new one at once. */
  readonly stop?: AbortSignal;
};

type Environment = { Variables: { principal: Principal; kind?: string } };
type App = Hono<Environment>;
type AppContext = Context<Environment>;
type Handler = (context: AppContext) => Response | Promise<Response>;

/** Below every idle limit on the way: API Gateway's edge ends a stream after 30 s of silence, load balancers after 60. */
const bookmarkSecondsDefault = 20;
const watchSecondsMaxDefault = 24 * 3600;
/** What stands before the paths of a named cluster; the default one's have nothing before them. */
const clusterBase = "/clusters/:cluster";

/** Mount it under any prefix with `route`, or call its `fetch`. */
export function buildApp(options: AppOptions): App {
  const { bookmarkSeconds = bookmarkSecondsDefault, watchSecondsMax = watchSecondsMaxDefault, stop, storage, ...rest } = options;
  const api: Api = { ...rest, bookmarkSeconds, watchSecondsMax, watches: new OpenWatches() };
  if (stop?.aborted) api.watches.endAll();
  stop?.addEventListener("abort", () => api.watches.endAll(), { once: true });

  registerGauges(api.metrics.registry, { ...api, storage });

  const app: App = new Hono<Environment>({ strict: false });
  app.use("*", measure(api.metrics, api.clock));
  routeHealth(app, new Readiness(api.clusters, api.clock));
  app.use("*", async (context, next) => {
    context.set("principal", await authenticate(api.authenticator, context.req.header("authorization")));
    await next();
  });
  routeDocuments(app, api, "");
  routeDocuments(app, api, clusterBase);
  routeOwn(app, api, "");
  routeOwn(app, api, clusterBase);
  app.get("/metrics", (context) => readMetrics(pathCallOf(api, context), api.metrics));
  only(app, "/metrics", ["GET"]);
  for (const definition of kindsAt(api.registry, { root: true })) routeKind(app, api, "", definition);
  for (const definition of kindsAt(api.registry, { root: false })) routeKind(app, api, clusterBase, definition);
  app.all("*", () => {
    throw new RefusedError({ kind: "noRoute" });
  });
  app.onError((error, context) => answerError(api, error, context));
  return app;
}

function routeHealth(app: App, readiness: Readiness): void {
  app.get("/healthz", alive);
  app.get("/livez", alive);
  app.get("/readyz", () => readiness.check());
}

function routeDocuments(app: App, api: Api, base: "" | typeof clusterBase): void {
  const documents = new Documents(api.registry, { root: base === "" }, api.release);
  const get = (path: string, handler: Handler): void => {
    const inside = (context: AppContext) => inCluster(pathCallOf(api, context), "get", async () => handler(context));
    app.get(base + path, base === "" ? handler : inside);
    only(app, base + path, ["GET"]);
  };
  get("/version", ({ req }) => documents.version(req.raw));
  get("/api", ({ req }) => documents.core(req.raw));
  get("/api/v1", ({ req }) => documents.coreResources(req.raw));
  get("/apis", ({ req }) => documents.groups(req.raw));
  get(`/apis/${group}`, ({ req }) => documents.group(req.raw));
  get(`/apis/${apiVersion}`, ({ req }) => documents.resources(req.raw));
  for (const group of foreignGroups) {
    get(`/apis/${group}`, ({ req }) => documents.foreignGroup(req.raw, group));
    get(`/apis/${group}/v1`, ({ req }) => documents.foreignResources(req.raw, group));
  }
  get("/openapi/v2", ({ req }) => documents.openApiV2(req.raw));
  get("/openapi/v3", ({ req }) => documents.openApiV3Index(req.raw));
  get(`/openapi/v3/apis/${apiVersion}`, ({ req }) => documents.openApiV3(req.raw, `apis/${apiVersion}`));
}

/** What Kubernetes has no path for is under /windlass/v1; reviews are where Kubernetes has them. */
function routeOwn(app: App, api: Api, base: "" | typeof clusterBase): void {
  const own = `${base}/windlass/v1`;
  app.get(`${own}/tokens`, (context) => listTokens(pathCallOf(api, context)));
  app.post(`${own}/tokens`, (context) => createToken(pathCallOf(api, context)));
  app.delete(`${own}/tokens/:id`, (context) => revokeToken(pathCallOf(api, context), context.req.param("id")));
  app.get(`${own}/history`, (context) => readHistory(pathCallOf(api, context)));
  app.get(`${own}/export`, (context) => exportCluster(pathCallOf(api, context)));
  app.post(`${own}/import`, (context) => importObjects(pathCallOf(api, context)));
  only(app, `${own}/tokens`, ["GET", "POST"]);
  only(app, `${own}/tokens/:id`, ["DELETE"]);
  for (const path of ["history", "export"]) only(app, `${own}/${path}`, ["GET"]);
  only(app, `${own}/import`, ["POST"]);
  for (const [kind, { apiVersion: version, plural }] of Object.entries(reviewKinds)) {
    const path = `${base}/apis/${version}/${plural}`;
    app.post(path, async (context) => {
      const call = pathCallOf(api, context);
      return review(call, await reviewUid(call), kind as ReviewKind);
    });
    only(app, path, ["POST"]);
  }
}

function routeKind(app: App, api: Api, base: string, definition: KindDefinition): void {
  const { plural, namespaced, scope } = definition;
  const root = `${base}/apis/${apiVersion}`;
  const collection = namespaced ? `${root}/namespaces/:namespace/${plural}` : `${root}/${plural}`;
  if (namespaced) {
    const everywhere = `${root}/${plural}`;
    app.get(everywhere, (context) => readCollection(callOf(api, context, definition)));
    only(app, everywhere, ["GET"], "objects of this kind are made in a namespace");
  }
  app.get(collection, (context) => readCollection(callOf(api, context, definition)));
  app.get(`${collection}/:name`, (context) => getObject(itemOf(api, context, definition)));
  app.get(`${collection}/:name/status`, (context) => getObject(itemOf(api, context, definition, "status")));
  app.post(collection, (context) => createObject(callOf(api, context, definition)));
  app.put(`${collection}/:name`, (context) => replaceObject(itemOf(api, context, definition)));
  app.patch(`${collection}/:name`, (context) => patchObject(itemOf(api, context, definition)));
  app.delete(`${collection}/:name`, (context) => removeObject(itemOf(api, context, definition)));
  app.put(`${collection}/:name/status`, (context) => replaceObject(itemOf(api, context, definition, "status")));
  app.patch(`${collection}/:name/status`, (context) => patchObject(itemOf(api, context, definition, "status")));
  // As Kubernetes' namespaces, clusters go one by one.
  if (scope === "cluster") app.delete(collection, (context) => removeCollection(callOf(api, context, definition)));
  if (definition.scaling !== undefined)
    routeScale(app, `${collection}/:name/scale`, (context) => itemOf(api, context, definition, "scale"));
  only(app, collection, scope === "cluster" ? ["GET", "POST", "DELETE"] : ["GET", "POST"]);
  only(app, `${collection}/:name`, ["GET", "PUT", "PATCH", "DELETE"]);
  only(app, `${collection}/:name/status`, ["GET", "PUT", "PATCH"]);
}

function routeScale(app: App, path: string, callOf: (context: AppContext) => ItemCall): void {
  app.get(path, (context) => getScale(callOf(context)));
  app.put(path, (context) => replaceScale(callOf(context)));
  app.patch(path, (context) => patchScale(callOf(context)));
  only(app, path, ["GET", "PUT", "PATCH"]);
}

/** A HEAD must not open a watch that nobody reads. */
function readCollection(call: Call): Promise<Response> {
  return parseFlag(call.query("watch")) && call.request.method === "GET" ? watchObjects(call) : listObjects(call);
}

/** Every other method of a path that was routed before. */
function only(app: App, path: string, methods: readonly string[], why?: string): void {
  app.all(path, () => {
    throw new RefusedError({ kind: "methodNotAllowed", allowed: methods, ...(why !== undefined && { why }) });
  });
}

function pathCallOf(api: Api, context: AppContext): PathCall {
  const { req } = context;
  const cluster = req.param("cluster");
  const query = (name: string): string | undefined => req.query(name);
  return { api, request: req.raw, principal: context.get("principal"), path: req.path, cluster, query };
}

function callOf(api: Api, context: AppContext, definition: KindDefinition, subresource?: Subresource): Call {
  const { req } = context;
  context.set("kind", definition.plural);
  const query = (name: string): string | undefined => req.query(name);
  return {
    api,
    request: req.raw,
    principal: context.get("principal"),
    cluster: req.param("cluster") ?? defaultCluster,
    definition,
    namespace: req.param("namespace"),
    subresource,
    format: negotiate(req.header("accept")),
    includeObject: parseIncludeObject(query("includeObject")),
    query,
  };
}

function itemOf(api: Api, context: AppContext, definition: KindDefinition, subresource?: Subresource): ItemCall {
  return { ...callOf(api, context, definition, subresource), name: context.req.param("name") ?? "" };
}

function parseIncludeObject(text: string | undefined): IncludeObject {
  if (text === undefined || text === "") return "Metadata";
  if (text === "None" || text === "Metadata" || text === "Object") return text;
  throw badRequest(`includeObject: Invalid value: ${JSON.stringify(text)}: must be None, Metadata or Object`);
}

function answerError({ logger }: Api, error: Error, { req }: AppContext): Response {
  const failure = failureOf(error);
  if (failure.isFault) logger.log("error", "a request failed", { method: req.method, path: req.path, error });
  return failureResponse(failure);
}
