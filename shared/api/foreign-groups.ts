/**
 * The kinds of Kubernetes' own groups that are answered here though no log holds them: reviews of oneself. Discovery lists them from
 * this table, app.ts routes them, reviews.ts answers.
 */
import type { JsonObject } from "../base/json.ts";

export const authorizationGroup = "authorization.k8s.io";
export const authenticationGroup = "authentication.k8s.io";
const version = "v1";

const kindOf = (group: string, plural: string, singular: string) => ({
  group,
  plural,
  singular,
  apiVersion: `${group}/${version}`,
});

export const reviewKinds = {
  SelfSubjectAccessReview: kindOf(authorizationGroup, "selfsubjectaccessreviews", "selfsubjectaccessreview"),
  SelfSubjectRulesReview: kindOf(authorizationGroup, "selfsubjectrulesreviews", "selfsubjectrulesreview"),
  SelfSubjectReview: kindOf(authenticationGroup, "selfsubjectreviews", "selfsubjectreview"),
} as const;
export type ReviewKind = keyof typeof reviewKinds;

export const foreignGroups = [authenticationGroup, authorizationGroup] as const;
export type ForeignGroup = (typeof foreignGroups)[number];

const kindsIn = (group: ForeignGroup) => Object.entries(reviewKinds).filter(([, kind]) => kind.group === group);
const groupVersion = (group: ForeignGroup): JsonObject => ({ groupVersion: `${group}/${version}`, version });

/** As `/apis` lists it, and, with kind and apiVersion, as `/apis/<group>` answers. */
export const foreignGroup = (group: ForeignGroup): JsonObject => ({
  name: group,
  versions: [groupVersion(group)],
  preferredVersion: groupVersion(group),
});

/** `/apis/<group>/v1`. */
export const foreignResources = (group: ForeignGroup): JsonObject => ({
  kind: "APIResourceList",
  apiVersion: "v1",
  groupVersion: `${group}/${version}`,
  resources: kindsIn(group).map(([kind, { plural, singular }]) => ({
    name: plural,
    singularName: singular,
    namespaced: false,
    kind,
    verbs: ["create"],
  })),
});

/** Its item in the aggregated `/apis`. */
export const foreignDiscovery = (group: ForeignGroup): JsonObject => ({
  metadata: { name: group, creationTimestamp: null },
  versions: [
    {
      version,
      freshness: "Current",
      resources: kindsIn(group).map(([kind, { plural, singular }]) => ({
        resource: plural,
        responseKind: { group, version, kind },
        scope: "Cluster",
        singularResource: singular,
        verbs: ["create"],
      })),
    },
  ],
});
