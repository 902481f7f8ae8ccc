/** How a node's status is put together: its state, since when, why, and the conditions that say the same to Kubernetes' tools. */
import { timestamp } from "../../base/clock.ts";
import type { Node, NodeStatus } from "../../kinds/node.ts";
import { type NewCondition, withCondition, without } from "./conditions.ts";
import type { EngineFacts } from "./facts.ts";
import type { Health } from "./health.ts";
import { disabledUntil } from "./status.ts";

/** What a node's failures leave in its status; nothing of it where it fares well. */
export type Trouble = Pick<NodeStatus, "message" | "failures" | "lastError" | "disabledUntil">;

export type NewStatus = {
  readonly state: NodeStatus["state"];
  readonly engine: EngineFacts | undefined;
  /** Of the condition Ready. */
  readonly reason: string;
  readonly why: string;
  readonly trouble: Trouble;
  /** Conditions that hold beside Ready. */
  readonly duplicate?: NewCondition | undefined;
  readonly replaced?: NewCondition | undefined;
};

/** Of an error in an object. */
const errorCharactersMax = 500;

export function newStatus({ metadata: { generation }, status: before }: Node, now: number, made: NewStatus): NodeStatus {
  const time = timestamp(now);
  const { state, engine, reason, why, trouble, duplicate, replaced } = made;
  const at = { time, generation };
  const isReady = state === "ready" ? "True" : "False";
  let conditions = withCondition(before?.conditions ?? [], { type: "Ready", status: isReady, reason, message: why }, at);
  conditions = duplicate === undefined ? without(conditions, "DuplicateEngine") : withCondition(conditions, duplicate, at);
  // Another time it is replaced is another transition.
  if (replaced !== undefined) conditions = withCondition(without(conditions, "EngineReplaced"), replaced, at);
  return {
    state,
    since: before?.state === state && before.since !== undefined ? before.since : time,
    ...trouble,
    observedGeneration: generation,
    ...(engine !== undefined && { engine }),
    conditions,
  };
}

/** `ms`: for so long no new containers; 0: it goes on. */
export function troubleOf(
  { failures, lastError }: Health,
  { message, ms, now }: { message: string; ms: number; now: number },
): Trouble {
  return {
    message: cut(message),
    ...(failures > 0 && { failures }),
    ...(lastError !== undefined && { lastError: cut(lastError) }),
    ...(ms > 0 && { disabledUntil: disabledUntil(now, ms) }),
  };
}

export function keptTrouble({ message, failures, lastError, disabledUntil: until }: NodeStatus): Trouble {
  return {
    ...(message !== undefined && { message }),
    ...(failures !== undefined && { failures }),
    ...(lastError !== undefined && { lastError }),
    ...(until !== undefined && { disabledUntil: until }),
  };
}

export function withoutTrouble(status: NodeStatus): NodeStatus {
  const { message: _, failures: __, lastError: ___, disabledUntil: ____, ...rest } = status;
  return rest;
}

const cut = (text: string): string => (text.length > errorCharactersMax ? `${text.slice(0, errorCharactersMax - 1)}…` : text);
