/**
 * What is seen of a node, and what its status is to be then: a pure function, asked before work is begun and again in the transaction, on
 * the node as it is there. undefined: nothing changes, and nothing is committed. A healthy node that stays so is always that.
 */
import { isDeepStrictEqual } from "node:util";
import type { Node, NodeStatus } from "../../kinds/node.ts";
import type { NewCondition } from "./conditions.ts";
import type { EngineFacts } from "./facts.ts";
import type { Health } from "./health.ts";
import { keptTrouble, newStatus, type Trouble, troubleOf, withoutTrouble } from "./new-status.ts";
import type { HealerPolicy } from "./policy.ts";
import { isDisabled, isLeaving } from "./status.ts";

export type Evidence =
  /** It answered a probe. `facts`: what it said of itself, where it was asked; `health`: failures that were counted before. */
  | { readonly kind: "well"; readonly facts: EngineFacts | undefined; readonly health: Health | undefined }
  /** It was not reached, by a probe or a call. */
  | { readonly kind: "silent"; readonly error: string; readonly health: Health }
  /** A call failed at an engine that was reached. */
  | { readonly kind: "refused"; readonly error: string; readonly health: Health }
  /** A call succeeded. */
  | { readonly kind: "worked" };
type Well = Extract<Evidence, { readonly kind: "well" }>;
type Failed = Extract<Evidence, { readonly kind: "silent" | "refused" }>;

export type Outlook = {
  /** Milliseconds since 1970. */
  readonly now: number;
  readonly policy: HealerPolicy;
  /** What the Healer answered; see `asksHealer`. */
  readonly disabledMs: number;
  /** The node that this one must give way to, being the same engine. */
  readonly twin: Node | undefined;
};

/** What people are told, as an event of core/v1. */
export type Note = { readonly type: "Normal" | "Warning"; readonly reason: string; readonly message: string };
export type Verdict = { readonly status: NodeStatus; readonly notes: readonly Note[] };

export function judge(node: Node, evidence: Evidence, outlook: Outlook): Verdict | undefined {
  const verdict = verdictOn(node, evidence, outlook);
  return verdict === undefined || isDeepStrictEqual(verdict.status, node.status) ? undefined : verdict;
}

/** Whether the verdict depends on for how long the Healer disables the node. */
export const asksHealer = (evidence: Evidence): boolean =>
  evidence.kind === "silent" || evidence.kind === "refused" || (evidence.kind === "well" && wasRefused(evidence.health));

/** Whether its tasks are to go elsewhere: enough probes failed for long enough. */
export function isLost({ probeFailures, silentSinceMs }: Health, { now, policy }: Pick<Outlook, "now" | "policy">): boolean {
  const silentMs = now - (silentSinceMs ?? now);
  const isCounted = probeFailures >= policy.failuresToDown && silentMs >= policy.downAfterMs;
  return isCounted || (probeFailures >= 2 && silentMs >= policy.graceMs);
}

function verdictOn(node: Node, evidence: Evidence, outlook: Outlook): Verdict | undefined {
  switch (evidence.kind) {
    case "well":
      return outlook.twin === undefined ? well(node, evidence, outlook) : duplicate(node, evidence, outlook, outlook.twin);
    case "silent":
      return silent(node, evidence, outlook);
    case "refused":
      return refused(node, evidence, outlook);
    case "worked":
      return node.status?.state === "ready" ? { status: withoutTrouble(node.status), notes: [] } : undefined;
    default:
      return evidence satisfies never;
  }
}

function well(node: Node, { facts, health }: Well, { now, disabledMs }: Outlook): Verdict | undefined {
  const { status: before } = node;
  const engine = facts ?? before?.engine;
  // A probe asks an engine what it is unless the node says so.
  if (engine === undefined) return undefined;
  const late = before?.lastError === undefined ? lateTrouble(health, { now, disabledMs }) : undefined;
  const kept = before !== undefined && wasRefused(health) && isDisabled(node, now) ? keptTrouble(before) : {};
  const replaced = replacement(node, engine);
  const [reason, why] = ["EngineAnswers", "the engine answers"];
  const status = newStatus(node, now, { state: "ready", engine, reason, why, trouble: late ?? kept, replaced });
  return { status, notes: [...returned(node, engine), ...noted(replaced), ...disabledNotes(late)] };
}

function silent(node: Node, { error, health }: Failed, outlook: Outlook): Verdict | undefined {
  const before = node.status?.state ?? "unknown";
  const isDown = before === "down" || isLost(health, outlook);
  const state = isDown ? "down" : "disconnected";
  // The same again is no news: a node that stays away is committed once.
  if (state === before && node.status?.observedGeneration === node.metadata.generation) return undefined;
  const why = health.failures > 1 ? `${health.failures} failures in a row, the last: ${error}` : error;
  const { now, disabledMs: ms } = outlook;
  const trouble = troubleOf(health, { message: why, ms, now });
  const reason = isDown ? "NodeDown" : "NodeNotReady";
  const status = newStatus(node, now, { state, engine: node.status?.engine, reason, why: trouble.message ?? why, trouble });
  const told = isDown ? `given up, its tasks go elsewhere: ${why}` : `did not answer: ${why}`;
  return { status, notes: state === before ? [] : [{ type: "Warning", reason, message: told }] };
}

/** Its tasks stay, for the engine answers. New containers go elsewhere for a time. */
function refused(node: Node, { error, health }: Failed, { now, disabledMs: ms }: Outlook): Verdict | undefined {
  const { status } = node;
  if (status?.state !== "ready" || isDisabled(node, now)) return undefined;
  if (ms <= 0 && status.lastError !== undefined) return undefined;
  const trouble = troubleOf(health, { message: error, ms, now });
  return { status: { ...withoutTrouble(status), ...trouble }, notes: disabledNotes(trouble) };
}

function duplicate(node: Node, { facts }: Well, { now }: Outlook, twin: Node): Verdict {
  const engine = facts ?? node.status?.engine;
  const reason = "DuplicateEngine";
  const remedy = isLeaving(twin)
    ? "not used before that one, which is being removed, has gone."
    : "not used; unregister one of them.";
  const why =
    `is the same engine as node ${twin.metadata.name} (engine id ${engine?.id ?? ""}) and is ${remedy}` +
    " If they are two machines, one was cloned from the other, and its engine needs an id of its own";
  const condition: NewCondition = { type: "DuplicateEngine", status: "True", reason: "SameEngineId", message: why };
  const replaced = engine && replacement(node, engine);
  const status = newStatus(node, now, {
    state: "down",
    engine,
    reason,
    why,
    trouble: { message: why },
    duplicate: condition,
    replaced,
  });
  const isKnown = (node.status?.conditions ?? []).some(({ type }) => type === "DuplicateEngine");
  return { status, notes: [...noted(replaced), ...(isKnown ? [] : [{ type: "Warning", reason, message: why } as const])] };
}

/** A refusal that was counted while somebody else worked on the node, who did not see it any more. */
function lateTrouble(health: Health | undefined, { now, disabledMs }: Pick<Outlook, "now" | "disabledMs">): Trouble | undefined {
  const ms = (health?.callFailedMs ?? 0) + disabledMs - now;
  if (health === undefined || !wasRefused(health) || ms <= 0) return undefined;
  return troubleOf(health, { message: health.lastError ?? "a call failed", ms, now });
}

const wasRefused = (health: Health | undefined): boolean => (health?.callFailures ?? 0) > 0;

/** Where it is not the engine that was there before. Its machine may be renamed: that is no other engine. */
function replacement({ status }: Node, { id, dataRoot }: EngineFacts): NewCondition | undefined {
  const before = status?.engine;
  const condition = { type: "EngineReplaced", status: "True" } as const;
  if (before?.id !== undefined && id !== undefined && before.id !== id) {
    const message = `the engine's id was ${before.id} and is ${id}: it lost its data, or another engine has its address`;
    return { ...condition, reason: "NewEngineId", message };
  }
  if (before?.dataRoot === undefined || dataRoot === undefined || before.dataRoot === dataRoot) return undefined;
  const message = `the engine's data was in ${before.dataRoot} and is in ${dataRoot}: it was moved, or another engine has its address`;
  return { ...condition, reason: "NewDataRoot", message };
}

function noted(replaced: NewCondition | undefined): readonly Note[] {
  return replaced === undefined ? [] : [{ type: "Warning", reason: "EngineReplaced", message: replaced.message }];
}

function returned({ status }: Node, { version = "", hostname }: EngineFacts): readonly Note[] {
  if (status?.state === "ready") return [];
  const isBack = status?.state === "down" && status.engine !== undefined;
  const engine = `engine ${version}${hostname === undefined ? "" : ` on ${hostname}`}`;
  if (isBack) return [{ type: "Normal", reason: "NodeReturned", message: `${engine} answers again and is used again` }];
  return [{ type: "Normal", reason: "NodeReady", message: `${engine} answers` }];
}

function disabledNotes({ message, disabledUntil }: Trouble = {}): readonly Note[] {
  if (disabledUntil === undefined) return [];
  return [{ type: "Warning", reason: "NodeDisabled", message: `takes no new containers until ${disabledUntil}: ${message}` }];
}
