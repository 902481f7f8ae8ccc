/** The envelope that every object has, as Kubernetes' API conventions lay it out. Objects are frozen, all the way down. */
import type { JsonObject } from "../base/json.ts";

export const group = "windlass.dev";
export const version = "v1";
export const apiVersion = `${group}/${version}`;

export type OwnerReference = {
  readonly apiVersion: string;
  readonly kind: string;
  readonly name: string;
  readonly uid: string;
  readonly controller?: boolean;
  readonly blockOwnerDeletion?: boolean;
};

export type Metadata = {
  readonly name: string;
  /** Absent for cluster-wide kinds. */
  readonly namespace?: string;
  /** Swarmkit's ID: of this object, never of a later one of that name. */
  readonly uid: string;
  /** revision * 1000 + place in the entry, of the commit that last changed the object. Opaque to clients. */
  readonly resourceVersion: string;
  /** Counts changes of spec, from 1. */
  readonly generation: number;
  /** RFC 3339, whole seconds. */
  readonly creationTimestamp: string;
  readonly deletionTimestamp?: string;
  readonly deletionGracePeriodSeconds?: number;
  readonly generateName?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly finalizers?: readonly string[];
  readonly ownerReferences?: readonly OwnerReference[];
  readonly managedFields?: readonly JsonObject[];
};

export type WindlassObject<Spec = JsonObject, Status = JsonObject> = {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: Metadata;
  readonly spec: Spec;
  readonly status?: Status;
};

/** What a caller gives to create or update: the store fills in the rest of the metadata. */
export type ObjectInput<O extends WindlassObject = WindlassObject> = Omit<O, "metadata"> & {
  readonly metadata: Partial<Metadata> & { readonly name: string };
};
