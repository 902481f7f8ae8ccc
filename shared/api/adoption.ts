/**
 * Who may adopt whose containers: a cluster those of clusters that are gone, and no two the same. Two that both took a container for
 * their own would each remove what the other starts.
 */
import { type Cluster, clusterKind } from "../kinds/cluster.ts";
import { type FieldError, invalid as invalidValue } from "../kinds/field-error.ts";
import { invalid } from "./errors.ts";
import type { Step } from "./write.ts";

/** Only who may write Clusters, an admin of the root, comes here with one. */
export const adoption: Step = (object, { write, transaction }) => {
  if (write.definition.kind !== clusterKind.kind || write.operation === "delete") return object;
  const { adopts = [] } = (object as unknown as Cluster).spec;
  if (adopts.length === 0) return object;
  const others = transaction.clusters.find().filter(({ metadata }) => metadata.name !== write.name);
  const errors = adopts.flatMap((uid, index) => refusal(uid, `spec.adopts[${index}]`, others));
  if (errors.length > 0) throw invalid(clusterKind.kind, write.name, errors);
  return object;
};

function refusal(uid: string, field: string, others: readonly Cluster[]): FieldError[] {
  const living = others.find(({ metadata }) => metadata.uid === uid);
  if (living !== undefined) return [invalidValue(field, uid, `cluster ${living.metadata.name} has it, and is there`)];
  const holder = others.find(({ spec }) => spec.adopts?.includes(uid));
  return holder === undefined ? [] : [invalidValue(field, uid, `cluster ${holder.metadata.name} has adopted it`)];
}
