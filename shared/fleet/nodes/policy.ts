/** How the healer judges: every time and count that people feel, with its reason. */
import type { Node } from "../../kinds/node.ts";
import { defaultPolicy as reconcilerPolicy } from "../reconcile/world.ts";

/** The source's Healer: what becomes of a node that failed. */
export interface Healer {
  /** Milliseconds for which the node takes no new containers; 0: it goes on. `failures`: in a row, this one included. */
  handleError(node: Node, failures: number): number;
}

/** The source's DefaultHealer: a minute. */
export const disabledDefaultMs = 60_000;
/** What a Healer answers beyond a year counts as one: the time stands in an object. */
export const disabledMaxMs = 365 * 24 * 3_600_000;
export const defaultHealer: Healer = { handleError: () => disabledDefaultMs };

export type HealerPolicy = {
  /** How often `run` looks at all nodes: an engine that died is noticed within this and a ping's time-out. */
  readonly roundMs: number;
  /** How soon `run` looks again at a node that was not reached: a restarted engine is used again, a dead one given up, the sooner. */
  readonly retryMs: number;
  /** A probe that takes longer has failed: shorter than a round, and longer than a busy engine's worst second. */
  readonly probeMs: number;
  /** A node that was given up pings within this or is away still: one that is back does in milliseconds, and a function that waits costs. */
  readonly downPingMs: number;
  /** So often, by the clock, it is waited for as long as any for `patientMs`: one that is back and slow is used, too. */
  readonly patientEveryMs: number;
  /** What looks once a minute does so once in this. */
  readonly patientMs: number;
  /** What was seen by then is committed, so that nodes that hang hold up no others. */
  readonly firstMs: number;
  /** Nodes that are probed at once: a fleet of 1,000 of which 50 hang needs one time-out; ten times as many would need a socket each. */
  readonly atOnceMax: number;
  /** So many failed probes in a row, at least `downAfterMs` from the first to the last, and the node is down. */
  readonly failuresToDown: number;
  /** A restart of an engine, with its upgrade, takes some ten seconds: tasks do not move for that. */
  readonly downAfterMs: number;
  /** Whoever looks once a minute need not see three failures: from then on the reconciler takes the node for lost anyhow. */
  readonly graceMs: number;
  /** Failed probes this soon after each other are one: several healers look at the same moment. */
  readonly apartMs: number;
  /** Longer than a change of state takes to be committed. A healer that dies in the middle blocks its nodes for so long. */
  readonly leaseMs: number;
  /** How often an engine that answers is asked what it is: by then one that was replaced between two pings is noticed. */
  readonly infoMs: number;
};

export const defaultHealerPolicy: HealerPolicy = {
  roundMs: 10_000,
  retryMs: 5_000,
  probeMs: 5_000,
  downPingMs: 1_000,
  patientEveryMs: 600_000,
  patientMs: 60_000,
  firstMs: 500,
  atOnceMax: 256,
  failuresToDown: 3,
  downAfterMs: 15_000,
  graceMs: reconcilerPolicy.lossGraceMs,
  apartMs: 2_000,
  leaseMs: 60_000,
  infoMs: 300_000,
};
