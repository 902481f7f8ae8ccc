/**
 * Kubernetes' DeleteOptions, from the body and the query; the body wins. Grace periods mean nothing to these kinds, as to most of
 * Kubernetes' own. Nothing collects the objects of a deleted owner yet, so every propagation policy leaves them as Orphan does.
 */
import { z } from "zod";
import type { Json } from "../base/json.ts";
import { invalid as invalidField } from "../kinds/field-error.ts";
import { issueErrors } from "../kinds/schema-issue.ts";
import type { Preconditions } from "../state/transaction.ts";
import { invalid } from "./errors.ts";
import { parseCount, parseFlag } from "./query.ts";
import { parseDryRun } from "./write-options.ts";

export type DeleteOptions = { readonly dryRun: boolean; readonly preconditions: Preconditions };

const policies = ["Orphan", "Background", "Foreground"] as const;

const bodySchema = z.object({
  kind: z.literal("DeleteOptions").optional(),
  apiVersion: z.string().optional(),
  gracePeriodSeconds: z.int().nullish(),
  preconditions: z.object({ uid: z.string().nullish(), resourceVersion: z.string().nullish() }).nullish(),
  orphanDependents: z.boolean().nullish(),
  propagationPolicy: z.enum(policies).nullish(),
  dryRun: z.array(z.literal("All")).nullish(),
});

/** @throws RefusedError when a value is not one that Kubernetes knows. */
export function deleteOptions(query: (name: string) => string | undefined, body: Json | undefined): DeleteOptions {
  checkQuery(query);
  const parsed = bodySchema.safeParse(body ?? {}, { reportInput: true });
  if (!parsed.success) throw invalid("DeleteOptions", "", issueErrors("", parsed.error.issues));
  const { preconditions, orphanDependents, propagationPolicy, dryRun } = parsed.data;
  if (orphanDependents != null && propagationPolicy != null) {
    throw invalid("DeleteOptions", "", [
      invalidField("propagationPolicy", propagationPolicy, "orphanDependents and propagationPolicy cannot be both set"),
    ]);
  }
  const uid = preconditions?.uid ?? query("uid");
  const resourceVersion = preconditions?.resourceVersion ?? query("resourceVersion");
  return {
    dryRun: (dryRun?.length ?? 0) > 0 || parseDryRun(query("dryRun"), "DeleteOptions"),
    preconditions: { ...(uid && { uid }), ...(resourceVersion && { resourceVersion }) },
  };
}

function checkQuery(query: (name: string) => string | undefined): void {
  parseCount("gracePeriodSeconds", query("gracePeriodSeconds"));
  parseFlag(query("orphanDependents"));
  const policy = query("propagationPolicy");
  const parsed = z
    .enum(policies)
    .optional()
    .safeParse(policy || undefined, { reportInput: true });
  if (!parsed.success) throw invalid("DeleteOptions", "", issueErrors("propagationPolicy", parsed.error.issues));
}
