/** Conditions of a node: Ready, as Kubernetes' nodes have it, and what is wrong with its engine. */
import type { Condition } from "../../kinds/condition.ts";

/** `Ready`: it takes tasks as far as its health goes. The others are there only where they are true, or were. */
export type ConditionType = "Ready" | "EngineReplaced" | "DuplicateEngine";
export type NewCondition = {
  readonly type: ConditionType;
  readonly status: "True" | "False" | "Unknown";
  readonly reason: string;
  readonly message: string;
};

/** The list with `condition`, in its place; the very same list where nothing changes. Others' conditions stay. */
export function withCondition(
  conditions: readonly Condition[],
  condition: NewCondition,
  { time, generation }: { readonly time: string; readonly generation: number },
): readonly Condition[] {
  const before = conditions.find(({ type }) => type === condition.type);
  const { status, reason, message } = condition;
  const isSame = before?.status === status && before.reason === reason && before.message === message;
  if (isSame && before.observedGeneration === generation) return conditions;
  const lastTransitionTime = before?.status === status ? (before.lastTransitionTime ?? time) : time;
  const made: Condition = { ...condition, lastTransitionTime, observedGeneration: generation };
  if (before === undefined) return [...conditions, made];
  return conditions.map((other) => (other === before ? made : other));
}

export const without = (conditions: readonly Condition[], type: ConditionType): readonly Condition[] =>
  conditions.some((condition) => condition.type === type)
    ? conditions.filter((condition) => condition.type !== type)
    : conditions;
