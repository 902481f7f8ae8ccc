/** Conditions as the reconciler writes them: a time that moves with the status only, as Kubernetes' API conventions ask. */
import { timestamp } from "../../base/clock.ts";
import type { Condition } from "../../kinds/condition.ts";

export type Judgement = { readonly holds: boolean; readonly reason: string; readonly message: string };

/** `before`: the conditions that the object has. */
export function conditionOf(
  type: string,
  { holds, reason, message }: Judgement,
  { before, now }: { readonly before: readonly Condition[] | undefined; readonly now: number },
): Condition {
  const status = holds ? "True" : "False";
  const known = before?.find((each) => each.type === type);
  const since = known?.status === status ? known.lastTransitionTime : undefined;
  return { type, status, reason, ...(message !== "" && { message }), lastTransitionTime: since ?? timestamp(now) };
}
