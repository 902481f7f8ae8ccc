/**
 * Reviews of oneself: `kubectl auth can-i` (SelfSubjectAccessReview, with --list SelfSubjectRulesReview) and `auth whoami`
 * (SelfSubjectReview). They are asked, answered and not kept. The answers come from `allowed`, as every refusal does, and are the same
 * for what is forbidden and for what is not there.
 */

import * as z from "zod";
import { allowed, type Grant, type Principal, rootScope, type Verb, verbs } from "../access/access.ts";
import type { Json, JsonObject } from "../base/json.ts";
import type { ApiResponse } from "../http/exchange.ts";
import { coreEventKind } from "../kinds/core-event.ts";
import { group } from "../kinds/object.ts";
import { defaultCluster, withCluster } from "../state/clusters.ts";
import { neededVerb } from "./call.ts";
import { kindsAt } from "./discovery.ts";
import { badRequest } from "./errors.ts";
import { authenticationGroup, authorizationGroup, type ReviewKind, reviewKinds } from "./foreign-groups.ts";
import { inCluster, type PathCall } from "./path-call.ts";
import { plainAnswer } from "./plain-answer.ts";
import { reviewBody } from "./review-body.ts";

/** Who asks, and where: the uid of the call's cluster, undefined where there is none to see. */
type Asked = { readonly call: PathCall; readonly uid: string | undefined; readonly body: JsonObject };

const envelope = z.looseObject({ apiVersion: z.string().optional(), kind: z.string().optional() });
const text = z.string().max(1_024).default("");
const resourceSchema = z.looseObject({ verb: text, group: text, resource: text, subresource: text });
const pathSchema = z.looseObject({ verb: text, path: text });
const accessSchema = z.object({
  spec: z.looseObject({ resourceAttributes: resourceSchema.nullish(), nonResourceAttributes: pathSchema.nullish() }),
});

/**
 * The cluster that a review is asked in: inside one, of whoever may look into it; at the root, of everyone, the default one.
 * @throws RefusedError: forbidden, or not found.
 */
export async function reviewUid(call: PathCall): Promise<string | undefined> {
  if (call.cluster === undefined) return withCluster(call.api.clusters, defaultCluster, async ({ uid }) => uid);
  return inCluster(call, "get", async ({ uid }) => uid);
}

/** Answers a review of `kind`. @throws RefusedError: the body is not one. */
export async function review(call: PathCall, uid: string | undefined, kind: ReviewKind): Promise<ApiResponse> {
  const { apiVersion } = reviewKinds[kind];
  const parsed = envelope.safeParse(await reviewBody(call.request, kind));
  if (!parsed.success) throw badRequest(`the body is not a ${kind}`);
  const { data } = parsed;
  if ((data.kind ?? kind) !== kind || (data.apiVersion ?? apiVersion) !== apiVersion) {
    throw badRequest(
      `the body is ${JSON.stringify(data.apiVersion)} ${JSON.stringify(data.kind)}; expected ${apiVersion} ${kind}`,
    );
  }
  const asked = { call, uid, body: parsed.data as JsonObject };
  return plainAnswer({ metadata: {}, ...asked.body, kind, apiVersion, status: statusOf(kind, asked) }, { made: true });
}

function statusOf(kind: ReviewKind, asked: Asked): JsonObject {
  switch (kind) {
    case "SelfSubjectAccessReview":
      return accessStatus(asked);
    case "SelfSubjectRulesReview":
      return rulesStatus(asked);
    case "SelfSubjectReview":
      return { userInfo: userOf(asked.call.principal) };
    default:
      return kind satisfies never;
  }
}

function accessStatus(asked: Asked): JsonObject {
  const parsed = accessSchema.safeParse(asked.body);
  if (!parsed.success) throw badRequest("spec: resourceAttributes or nonResourceAttributes, each with text");
  const { resourceAttributes: resource, nonResourceAttributes: path } = parsed.data.spec;
  if ((resource ?? undefined) !== undefined && (path ?? undefined) !== undefined) {
    throw badRequest("spec: resourceAttributes and nonResourceAttributes can't both be given");
  }
  if (resource !== null && resource !== undefined) return { allowed: mayDo(asked, resource) };
  if (path !== null && path !== undefined) return { allowed: mayAsk(asked.call.principal, path) };
  throw badRequest("spec: one of resourceAttributes and nonResourceAttributes must be given");
}

function mayDo({ call, uid }: Asked, wanted: z.infer<typeof resourceSchema>): boolean {
  const { principal, api, cluster } = call;
  if (isSelfReview(wanted)) return wanted.verb === "create";
  if (wanted.group === "" && wanted.resource === coreEventKind.plural)
    return uid !== undefined && allowed(principal, uid, verbOf(wanted.verb));
  // kubectl asks for "*" without a group.
  if (wanted.group !== group && wanted.group !== "*" && wanted.resource !== "*") return false;
  const definition = api.registry.byPlural(wanted.resource);
  // What is asked of the root's kinds inside a cluster is asked of nothing.
  if (definition?.scope === "root")
    return cluster === undefined && allowed(principal, rootScope, neededVerb(definition, verbOf(wanted.verb)));
  return uid !== undefined && allowed(principal, uid, verbOf(wanted.verb));
}

const isSelfReview = (wanted: z.infer<typeof resourceSchema>): boolean =>
  Object.values(reviewKinds).some(({ plural, group: of }) => plural === wanted.resource && of === wanted.group);

/** Verbs that no object has here, and "*", are an admin's. */
const verbOf = (name: string): Verb => verbs.find((verb) => verb === name) ?? "administer";

/** What everyone who is known may read. */
const openPaths = ["/healthz", "/livez", "/readyz", "/version", "/api", "/apis"];
const openFolders = ["/api/", "/apis/", "/openapi/"];

function mayAsk(principal: Principal, { verb, path }: z.infer<typeof pathSchema>): boolean {
  const isOpen = openPaths.includes(path) || openFolders.some((folder) => path.startsWith(folder));
  if (verb === "get" && isOpen) return true;
  return allowed(principal, rootScope, path === "/metrics" ? verbOf(verb) : "administer");
}

function rulesStatus({ call, uid }: Asked): JsonObject {
  const { principal, api, cluster } = call;
  const kinds = kindsAt(api.registry, { root: cluster === undefined });
  const rule = (scope: "root" | "cluster", of: string | undefined): Json[] => {
    const may =
      of === undefined
        ? []
        : verbs.filter((verb) => verb !== "administer" && allowed(principal, of, neededVerb({ scope }, verb)));
    const resources = kinds.filter((kind) => kind.scope === scope).flatMap(({ plural }) => [plural, `${plural}/status`]);
    if (may.length === 0 || resources.length === 0) return [];
    const events = {
      verbs: may.filter((verb) => verb !== "deletecollection"),
      apiGroups: [""],
      resources: [coreEventKind.plural],
    };
    const objects = { verbs: allowed(principal, of, "administer") ? ["*"] : may, apiGroups: [group], resources };
    return scope === "root" ? [objects] : [objects, events];
  };
  const selfReviews = [authorizationGroup, authenticationGroup].map(
    (of): Json => ({
      verbs: ["create"],
      apiGroups: [of],
      resources: Object.values(reviewKinds)
        .filter((kind) => kind.group === of)
        .map(({ plural }) => plural),
    }),
  );
  return {
    resourceRules: [...rule("cluster", uid), ...rule("root", rootScope), ...selfReviews],
    nonResourceRules: pathRules(principal),
    incomplete: false,
  };
}

function pathRules(principal: Principal): Json[] {
  if (allowed(principal, rootScope, "administer")) return [{ verbs: ["*"], nonResourceURLs: ["*"] }];
  const metrics = allowed(principal, rootScope, "get") ? ["/metrics"] : [];
  return [{ verbs: ["get"], nonResourceURLs: [...openPaths, ...openFolders.map((folder) => `${folder}*`), ...metrics] }];
}

function userOf({ name, role, clusterUid, more = [] }: Principal): JsonObject {
  const roles = [{ role, clusterUid }, ...more].map((grant: Grant) => `${grant.role}@${grant.clusterUid}`);
  return { username: name, groups: ["system:authenticated"], extra: { "windlass.dev/roles": roles } };
}
