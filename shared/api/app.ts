/**
 * The HTTP interface: its routes, and nothing else. Kubernetes-shaped (DESIGN section 4), on web standards, so that every host runs
 * the same one. All but health asks first who calls: that stands before every other route, so a new one can't forget it.
 */
import { type Context, Hono } from "hono";
import type { KindDefinition } from "../kinds/definition.ts";
import { apiVersion, group } from "../kinds/object.ts";
import { defaultCluster, withCluster } from "../state/clusters.ts";
import { allowed, type Principal } from "./access/access.ts";
import { authenticate } from "./authenticate.ts";
import { type Api, type Call, type ItemCall, noCluster, type Subresource } from "./call.ts";
import { createObject } from "./create.ts";
import { kindsAt } from "./discovery.ts";
import { Documents } from "./documents.ts";
import { badRequest, RefusedError } from "./errors.ts";
import { getObject } from "./get.ts";
import { alive, Readiness } from "./health.ts";
import { listObjects } from "./list.ts";
import { negotiate } from "./negotiate.ts";
import { patchObject } from "./patch.ts";
import { parseFlag } from "./query.ts";
import { removeObject } from "./remove.ts";
import { replaceObject } from "./replace.ts";
import { failureOf, failureResponse } from "./status.ts";
import type { IncludeObject } from "./table.ts";
import { watchObjects } from "./watch.ts";
import { OpenWatches } from "./watch-stream.ts";

export type AppOptions = Pick<Api, "clusters" | "registry" | "authenticator" | "clock" | "ids" | "logger" | "release"> & {
  /** How often a watch that asked for bookmarks gets one, at least. */
  readonly bookmarkSeconds?: number;
  /** How long a watch lasts at most. */
  readonly watchSecondsMax?: number;
  /** Ends all watches, and each new one at once. */
  readonly stop?: AbortSignal;
};

type Environment = { Variables: { principal: Principal } };
type App = Hono<Environment>;
type AppContext = Context<Environment>;
type Handler = (context: AppContext) => Response | Promise<Response>;

const bookmarkSecondsDefault = 30;
const watchSecondsMaxDefault = 24 * 3600;
/** What stands before the paths of a named cluster; the default one's have nothing before them. */
const clusterBase = "/clusters/:cluster";

/** Mount it under any prefix with `route`, or call its `fetch`. */
export function buildApp(options: AppOptions): App {
  const { bookmarkSeconds = bookmarkSecondsDefault, watchSecondsMax = watchSecondsMaxDefault, stop, ...rest } = options;
  const api: Api = { ...rest, bookmarkSeconds, watchSecondsMax, watches: new OpenWatches() };
  if (stop?.aborted) api.watches.endAll();
  stop?.addEventListener("abort", () => api.watches.endAll(), { once: true });

  const app: App = new Hono<Environment>({ strict: false });
  routeHealth(app, new Readiness(api.clusters, api.clock));
  app.use("*", async (context, next) => {
    context.set("principal", await authenticate(api.authenticator, context.req.header("authorization")));
    await next();
  });
  routeDocuments(app, api, "");
  routeDocuments(app, api, clusterBase);
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
    app.get(base + path, base === "" ? handler : (context) => inNamedCluster(api, context, handler));
    only(app, base + path, ["GET"]);
  };
  get("/version", ({ req }) => documents.version(req.raw));
  get("/api", ({ req }) => documents.core(req.raw));
  get("/apis", ({ req }) => documents.groups(req.raw));
  get(`/apis/${group}`, ({ req }) => documents.group(req.raw));
  get(`/apis/${apiVersion}`, ({ req }) => documents.resources(req.raw));
  get("/openapi/v2", ({ req }) => documents.openApiV2(req.raw));
  get("/openapi/v3", ({ req }) => documents.openApiV3Index(req.raw));
  get(`/openapi/v3/apis/${apiVersion}`, ({ req }) => documents.openApiV3(req.raw, `apis/${apiVersion}`));
}

/** Who may not look into a cluster does not learn whether it is there. */
async function inNamedCluster(api: Api, context: AppContext, handler: Handler): Promise<Response> {
  const principal = context.get("principal");
  const name = context.req.param("cluster") ?? defaultCluster;
  const uid = await withCluster(api.clusters, name, async (store) => store.uid);
  if (!allowed(principal, uid, "get")) {
    throw new RefusedError({
      kind: "forbidden",
      message: `User "${principal.name}" cannot get path ${JSON.stringify(context.req.path)}`,
    });
  }
  if (uid === undefined) throw noCluster(name);
  return handler(context);
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
  if (scope === "root") {
    const why = `${plural} can be read, but not be changed through this interface yet`;
    for (const path of [collection, `${collection}/:name`, `${collection}/:name/status`]) only(app, path, ["GET"], why);
    return;
  }
  app.post(collection, (context) => createObject(callOf(api, context, definition)));
  app.put(`${collection}/:name`, (context) => replaceObject(itemOf(api, context, definition)));
  app.patch(`${collection}/:name`, (context) => patchObject(itemOf(api, context, definition)));
  app.delete(`${collection}/:name`, (context) => removeObject(itemOf(api, context, definition)));
  app.put(`${collection}/:name/status`, (context) => replaceObject(itemOf(api, context, definition, "status")));
  app.patch(`${collection}/:name/status`, (context) => patchObject(itemOf(api, context, definition, "status")));
  only(app, collection, ["GET", "POST"]);
  only(app, `${collection}/:name`, ["GET", "PUT", "PATCH", "DELETE"]);
  only(app, `${collection}/:name/status`, ["GET", "PUT", "PATCH"]);
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

function callOf(api: Api, context: AppContext, definition: KindDefinition, subresource?: Subresource): Call {
  const { req } = context;
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
