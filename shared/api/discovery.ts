/**
 * Discovery: how a client of Kubernetes' world finds out which kinds there are. Pure functions from the registry to what /version,
 * /api, /apis and the paths below answer, in both forms: one list a path, and aggregated (Kubernetes 1.26 and later).
 */
import type { JsonObject } from "../base/json.ts";
import { coreEventKind, coreVersion } from "../kinds/core-event.ts";
import type { KindDefinition } from "../kinds/definition.ts";
import { apiVersion, group, version } from "../kinds/object.ts";
import type { Registry } from "../kinds/registry.ts";
import { foreignDiscovery, foreignGroup, foreignGroups } from "./foreign-groups.ts";

/** Which part of the tree is asked: the root serves the default cluster and, with it, the kinds of the root log. */
export type Place = { readonly root: boolean };

/** What an object's paths answer to, and its status. OpenAPI lists the same. */
export const objectVerbs = ["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"] as const;
/** Clusters go one by one. */
const verbsOf = ({ scope }: Pick<KindDefinition, "scope">): readonly string[] =>
  scope === "root" ? objectVerbs.filter((verb) => verb !== "deletecollection") : objectVerbs;
const statusVerbs = ["get", "patch", "update"] as const;

/** Kubernetes' version whose API conventions are spoken; clients compare it with their own. */
const kubernetes = { major: "1", minor: "32" } as const;

export function kindsAt(registry: Registry, { root }: Place): readonly KindDefinition[] {
  return registry.definitions.filter(({ scope }) => root || scope === "cluster");
}

/** `/version`. `release` is Windlass' own, like 0.1.0. */
export function versionInfo(release: string): JsonObject {
  const { major, minor } = kubernetes;
  return {
    major,
    minor,
    gitVersion: `v${major}.${minor}.0+windlass-${release}`,
    gitCommit: "",
    gitTreeState: "",
    buildDate: "",
    goVersion: "",
    compiler: "",
    platform: "",
  };
}

/** `/api`: the core group's one version. */
export const coreVersions = (): JsonObject => ({ kind: "APIVersions", versions: [coreVersion], serverAddressByClientCIDRs: [] });

/** What events' paths answer to. */
const eventVerbs = ["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"] as const;

/** `/api/v1`: of Kubernetes' core group there are events only. Clients take `kind: List` from its version, too. */
export function coreResourceList(): JsonObject {
  const { plural, singular, kind, shortNames, namespaced } = coreEventKind;
  const events = { name: plural, singularName: singular, namespaced, kind, verbs: eventVerbs, shortNames };
  return { kind: "APIResourceList", groupVersion: coreVersion, resources: [events] };
}

const groupVersion: JsonObject = { groupVersion: apiVersion, version };

/** `/apis/windlass.dev`. */
export const apiGroup = (): JsonObject => ({
  kind: "APIGroup",
  apiVersion: "v1",
  name: group,
  versions: [groupVersion],
  preferredVersion: groupVersion,
});

/** `/apis`. */
export const apiGroupList = (): JsonObject => ({
  kind: "APIGroupList",
  apiVersion: "v1",
  groups: [{ name: group, versions: [groupVersion], preferredVersion: groupVersion }, ...foreignGroups.map(foreignGroup)],
});

/** `/apis/windlass.dev/v1`. */
export const apiResourceList = (registry: Registry, place: Place): JsonObject => ({
  kind: "APIResourceList",
  apiVersion: "v1",
  groupVersion: apiVersion,
  resources: kindsAt(registry, place).flatMap((definition) => [
    objectResource(definition),
    ...(definition.scaling === undefined ? [] : [scaleResource(definition)]),
    statusResource(definition),
  ]),
});

export type AggregatedVersion = "v2" | "v2beta1";

/** The content type of an aggregated answer. */
export const aggregatedType = (aggregated: AggregatedVersion): string =>
  `application/json;g=apidiscovery.k8s.io;v=${aggregated};as=APIGroupDiscoveryList`;

/** Which aggregated form an Accept header asks for, the first one that is known; undefined: none, give the plain form. */
export function acceptedAggregation(accept: string): AggregatedVersion | undefined {
  for (const media of accept.split(",")) {
    const [type, ...parameters] = media.split(";").map((part) => part.trim());
    if (type !== "application/json") continue;
    // The list asks in the order of preference: plain JSON before an aggregated form means plain JSON.
    if (!parameters.includes("as=APIGroupDiscoveryList")) return undefined;
    const aggregated = (["v2", "v2beta1"] as const).find((known) => parameters.includes(`v=${known}`));
    if (aggregated !== undefined && parameters.includes("g=apidiscovery.k8s.io")) return aggregated;
  }
  return undefined;
}

/** `/api`, aggregated. */
export function coreDiscovery(aggregated: AggregatedVersion): JsonObject {
  const { plural, singular, kind, shortNames } = coreEventKind;
  const events = {
    resource: plural,
    responseKind: { group: "", version: coreVersion, kind },
    scope: "Namespaced",
    singularResource: singular,
    verbs: eventVerbs,
    shortNames,
  };
  const versions = [{ version: coreVersion, resources: [events], freshness: "Current" }];
  return discoveryList(aggregated, [{ metadata: { creationTimestamp: null }, versions }]);
}

/** `/apis`, aggregated. */
export function groupDiscovery(registry: Registry, place: Place, aggregated: AggregatedVersion): JsonObject {
  const resources = kindsAt(registry, place).map(discoveredResource);
  return discoveryList(aggregated, [
    { metadata: { name: group, creationTimestamp: null }, versions: [{ version, resources, freshness: "Current" }] },
    ...foreignGroups.map(foreignDiscovery),
  ]);
}

function discoveryList(aggregated: AggregatedVersion, items: readonly JsonObject[]): JsonObject {
  return { kind: "APIGroupDiscoveryList", apiVersion: `apidiscovery.k8s.io/${aggregated}`, metadata: {}, items };
}

function objectResource(definition: KindDefinition): JsonObject {
  const { plural, singular, namespaced, kind, shortNames, categories } = definition;
  return {
    name: plural,
    singularName: singular,
    namespaced,
    kind,
    verbs: verbsOf(definition),
    ...(shortNames.length > 0 && { shortNames }),
    ...(categories.length > 0 && { categories }),
  };
}

function statusResource({ plural, namespaced, kind }: KindDefinition): JsonObject {
  return { name: `${plural}/status`, singularName: "", namespaced, kind, verbs: statusVerbs };
}

const scale = { group: "autoscaling", version: "v1", kind: "Scale" } as const;

function scaleResource({ plural, namespaced }: KindDefinition): JsonObject {
  return { name: `${plural}/scale`, singularName: "", namespaced, ...scale, verbs: statusVerbs };
}

function discoveredResource(definition: KindDefinition): JsonObject {
  const { plural, singular, namespaced, kind, shortNames, categories, scaling } = definition;
  const responseKind = { group, version, kind };
  return {
    resource: plural,
    responseKind,
    scope: namespaced ? "Namespaced" : "Cluster",
    singularResource: singular,
    verbs: verbsOf(definition),
    ...(shortNames.length > 0 && { shortNames }),
    ...(categories.length > 0 && { categories }),
    subresources: [
      ...(scaling === undefined ? [] : [{ subresource: "scale", responseKind: scale, verbs: statusVerbs }]),
      { subresource: "status", responseKind, verbs: statusVerbs },
    ],
  };
}
