/**
 * What is to be done with one object for its owners' or its dependents' sake: Kubernetes' garbage collector as a pure function of what
 * is there. An object goes when it names owners and none is left; one whose owners partly left loses the references to those.
 *
 * Two things are done otherwise than in Kubernetes: members of a cycle do not block one another's foreground deletion (there a
 * reference is rewritten, or the cycle stays for ever), and a dependent that is orphaned also loses references to owners that are gone.
 */
import { type KindDefinition, keyOf } from "../../kinds/definition.ts";
import { apiVersion, type OwnerReference, type WindlassObject } from "../../kinds/object.ts";
import type { Registry } from "../../kinds/registry.ts";
import type { Propagation } from "./deletion.ts";
import { foregroundFinalizer, orphanFinalizer } from "./finalizers.ts";

/** What is there, all as of one moment. */
export type World = {
  /** Which kinds live in this log; owners of others can't be judged here. */
  readonly kinds: Pick<Registry, "byKind">;
  readonly scope: KindDefinition["scope"];
  get(definition: KindDefinition, name: string, namespace: string | undefined): WindlassObject | undefined;
  /** Objects that name `uid` as an owner. */
  dependents(uid: string): readonly WindlassObject[];
};

/** Each is about `item` alone. */
export type Action =
  /** Delete it; propagation undefined: as its finalizers say, else Background. */
  | { readonly do: "delete"; readonly item: WindlassObject; readonly propagation: Propagation | undefined }
  /** Take away its references to these owners, by uid. */
  | { readonly do: "disown"; readonly item: WindlassObject; readonly owners: ReadonlySet<string> }
  /** Take away the finalizer, for what it waited for is done; the object goes if it was the last. */
  | { readonly do: "finish"; readonly item: WindlassObject; readonly finalizer: string };

/** solid: there; waiting: it goes as soon as its dependents are gone; absent: not there; unknown: can't be judged, so that nothing is done. */
type Standing = "solid" | "waiting" | "absent" | "unknown";

/** Dependents that lose their reference in one step: half of what an entry takes. */
const orphanedAtOnce = 100;

export function judge(item: WindlassObject, world: World): readonly Action[] {
  const { deletionTimestamp, finalizers = [], ownerReferences = [] } = item.metadata;
  if (deletionTimestamp === undefined) return judgeOwned(item, ownerReferences, world);
  if (finalizers.includes(orphanFinalizer)) return release(item, world);
  if (!finalizers.includes(foregroundFinalizer) || isBlocked(item, world)) return [];
  return [{ do: "finish", item, finalizer: foregroundFinalizer }];
}

/** Whether an object can ever need something done: all others need not be judged. */
export const isConcerned = ({ metadata }: WindlassObject): boolean =>
  (metadata.ownerReferences?.length ?? 0) > 0 || metadata.deletionTimestamp !== undefined;

function judgeOwned(item: WindlassObject, owners: readonly OwnerReference[], world: World): readonly Action[] {
  const standings = owners.map((owner) => standingOf(owner, item, world));
  if (owners.length === 0 || standings.includes("unknown")) return [];
  if (standings.includes("solid")) {
    const gone = owners.filter((_, index) => standings[index] !== "solid").map(({ uid }) => uid);
    return gone.length === 0 ? [] : [{ do: "disown", item, owners: new Set(gone) }];
  }
  const isAwaited = standings.includes("waiting") && world.dependents(item.metadata.uid).length > 0;
  return [{ do: "delete", item, propagation: isAwaited ? "Foreground" : undefined }];
}

/** Until it is released, the item counts as an owner that is there: so owners that are not are struck out along with it. */
function release(item: WindlassObject, world: World): readonly Action[] {
  const { uid } = item.metadata;
  const dependents = world.dependents(uid).slice(0, orphanedAtOnce);
  if (dependents.length === 0) return [{ do: "finish", item, finalizer: orphanFinalizer }];
  return dependents.map((dependent) => {
    const gone = (dependent.metadata.ownerReferences ?? []).filter((owner) => standingOf(owner, dependent, world) === "absent");
    return { do: "disown", item: dependent, owners: new Set([uid, ...gone.map((owner) => owner.uid)]) };
  });
}

function standingOf(owner: OwnerReference, item: WindlassObject, world: World): Standing {
  const definition = world.kinds.byKind(owner.kind);
  if (definition === undefined || owner.apiVersion !== apiVersion || definition.scope !== world.scope) return "unknown";
  const { namespace } = item.metadata;
  // Kubernetes: a cluster-wide object can't belong to one in a namespace; a reference says no namespace, so it means the item's own.
  if (definition.namespaced && namespace === undefined) return "unknown";
  const found = world.get(definition, owner.name, definition.namespaced ? namespace : undefined);
  if (found?.metadata.uid !== owner.uid) return "absent";
  return isWaiting(found) ? "waiting" : "solid";
}

const isWaiting = ({ metadata }: WindlassObject): boolean =>
  metadata.deletionTimestamp !== undefined && (metadata.finalizers ?? []).includes(foregroundFinalizer);

/** By a dependent that says so and does not itself wait, through others, for the item. */
function isBlocked(item: WindlassObject, world: World): boolean {
  return blockers(item, world).some((dependent) => !waitsFor(dependent, item, world));
}

const blockers = ({ metadata: { uid } }: WindlassObject, world: World): readonly WindlassObject[] =>
  world
    .dependents(uid)
    .filter(({ metadata }) => metadata.ownerReferences?.some((owner) => owner.uid === uid && owner.blockOwnerDeletion === true));

/** Walks what waits for what; each object once. */
function waitsFor(from: WindlassObject, item: WindlassObject, world: World): boolean {
  const seen = new Set<string>();
  const next = [from];
  for (let at = next.pop(); at !== undefined; at = next.pop()) {
    if (at.metadata.uid === item.metadata.uid) return true;
    if (seen.has(at.metadata.uid) || !isWaiting(at)) continue;
    seen.add(at.metadata.uid);
    next.push(...blockers(at, world));
  }
  return false;
}

/** What is to be done with `objects`, all that there are. At rest it is nothing. */
export function decide(objects: readonly WindlassObject[], kinds: Registry, scope: KindDefinition["scope"]): Action[] {
  const byKey = new Map<string, WindlassObject>();
  const byOwner = new Map<string, WindlassObject[]>();
  for (const object of objects) {
    const definition = kinds.byKind(object.kind);
    if (definition === undefined) continue;
    byKey.set(keyOf(definition, object.metadata.name, object.metadata.namespace), object);
    for (const uid of new Set((object.metadata.ownerReferences ?? []).map((owner) => owner.uid))) {
      byOwner.set(uid, [...(byOwner.get(uid) ?? []), object]);
    }
  }
  const world: World = {
    kinds,
    scope,
    get: (definition, name, namespace) => byKey.get(keyOf(definition, name, namespace)),
    dependents: (uid) => byOwner.get(uid) ?? [],
  };
  return objects.flatMap((object) => judge(object, world));
}
