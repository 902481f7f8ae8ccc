/**
 * Kubernetes' DeleteOptions, from the body and the query; the body wins. Grace periods mean nothing to these kinds, as to most of
 * Kubernetes' own.
 */
import * as z from "zod";
import type { Json } from "../base/json.ts";
import { invalid as invalidField } from "../kinds/field-error.ts";
import { issueErrors } from "../kinds/schema-issue.ts";
import { type Propagation, propagations } from "../state/garbage/deletion.ts";
import type { Preconditions } from "../state/transaction.ts";
import { invalid } from "./errors.ts";
import { parseCount, parseFlag } from "./query.ts";
import { parseDryRun } from "./write-options.ts";

export type DeleteOptions = {
  readonly dryRun: boolean;
  readonly preconditions: Preconditions;
  /** What becomes of the objects it owns; undefined: what its finalizers say, else Background. */
  readonly propagation: Propagation | undefined;
  /** Whether the caller asked for dependents to go first: then the answer says that the deletion is only begun. */
  readonly isForeground: boolean;
};

type Query = (name: string) => string | undefined;

const bodySchema = z.object({
  kind: z.literal("DeleteOptions").optional(),
  apiVersion: z.string().optional(),
  gracePeriodSeconds: z.int().nullish(),
  preconditions: z.object({ uid: z.string().nullish(), resourceVersion: z.string().nullish() }).nullish(),
  orphanDependents: z.boolean().nullish(),
  propagationPolicy: z.enum(propagations).nullish(),
  dryRun: z.array(z.literal("All")).nullish(),
});

/**
 * `versionInQuery`: whether the query's resourceVersion is a precondition, too; of a collection it says what is listed.
 * @throws RefusedError when a value is not one that Kubernetes knows.
 */
export function deleteOptions(query: Query, body: Json | undefined, { versionInQuery = true } = {}): DeleteOptions {
  const parsed = bodySchema.safeParse(body ?? {}, { reportInput: true });
  if (!parsed.success) throw invalid("DeleteOptions", "", issueErrors("", parsed.error.issues));
  const { preconditions, dryRun, ...given } = parsed.data;
  const asked = queryOptions(query);
  const orphanDependents = given.orphanDependents ?? asked.orphanDependents;
  const propagationPolicy = given.propagationPolicy ?? asked.propagationPolicy;
  if (orphanDependents !== undefined && propagationPolicy !== undefined) {
    throw invalid("DeleteOptions", "", [
      invalidField("propagationPolicy", propagationPolicy, "orphanDependents and deletionPropagation cannot be both set"),
    ]);
  }
  const uid = preconditions?.uid ?? query("uid");
  const resourceVersion = preconditions?.resourceVersion ?? (versionInQuery ? query("resourceVersion") : undefined);
  return {
    dryRun: (dryRun?.length ?? 0) > 0 || parseDryRun(query("dryRun"), "DeleteOptions"),
    preconditions: { ...(uid && { uid }), ...(resourceVersion && { resourceVersion }) },
    propagation: orphanDependents === undefined ? propagationPolicy : orphanDependents ? "Orphan" : "Background",
    isForeground: propagationPolicy === "Foreground" || orphanDependents === false,
  };
}

type Asked = { readonly orphanDependents: boolean | undefined; readonly propagationPolicy: Propagation | undefined };

function queryOptions(query: Query): Asked {
  parseCount("gracePeriodSeconds", query("gracePeriodSeconds"));
  const orphan = query("orphanDependents");
  const policy = z
    .enum(propagations)
    .optional()
    .safeParse(query("propagationPolicy") || undefined, { reportInput: true });
  if (!policy.success) throw invalid("DeleteOptions", "", issueErrors("propagationPolicy", policy.error.issues));
  return { orphanDependents: orphan === undefined ? undefined : parseFlag(orphan), propagationPolicy: policy.data };
}
