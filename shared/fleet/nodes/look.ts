/** One look at nodes: all of them are probed at the same time, failures are counted, and what changes is committed in batches. */
import type { Clock } from "../../base/clock.ts";
import type { Ids } from "../../base/ids.ts";
import type { Logger } from "../../base/logger.ts";
import type { Node } from "../../kinds/node.ts";
import type { Store } from "../../state/store.ts";
import type { NodeEngines } from "./engines.ts";
import type { HealthBook, HealthEntry } from "./health.ts";
import { inParallel } from "./in-parallel.ts";
import { disabledDefaultMs, type HealerPolicy } from "./policy.ts";
import { type Probe, probe } from "./probe.ts";
import { probeReport } from "./reports.ts";
import { isDisabled } from "./status.ts";
import type { Case, Treatment } from "./treatment.ts";

export type HealerRound = {
  /** Nodes that were probed, and those of them that answered. */
  readonly probed: number;
  readonly answered: number;
  /** Names of those whose status changed, and of those that somebody else works on. */
  readonly changed: readonly string[];
  readonly busy: readonly string[];
};

export type LookOptions = {
  readonly store: Store;
  readonly engines: NodeEngines;
  readonly clock: Clock;
  readonly ids: Pick<Ids, "random">;
  readonly logger: Logger;
  readonly policy: HealerPolicy;
  readonly book: HealthBook;
  readonly treatment: Treatment;
  /** When each node's engine is asked what it is, by uid; kept from look to look. */
  readonly askAt: Map<string, number>;
  /** undefined: all. */
  readonly names: readonly string[] | undefined;
  readonly signal: AbortSignal | undefined;
};

/** What was found of a node. */
type Found = { readonly node: Node; readonly probe: Probe };
type Healths = ReadonlyMap<string, HealthEntry>;

/** Rejects when the store or the cells can't be asked, or with the signal's reason; what was committed until then stays. */
export async function look(options: LookOptions): Promise<HealerRound> {
  const { store, book, names, policy } = options;
  const [{ value: nodes }, healths] = await Promise.all([store.view((transaction) => transaction.nodes.find()), book.all()]);
  if (names === undefined) forgetOthers(options.askAt, nodes);
  const wanted = new Set(names);
  const watched = nodes.filter((node) => isWatched(node) && (names === undefined || wanted.has(node.metadata.name)));
  const found: Found[] = [];
  const probing = inParallel(watched, policy.atOnceMax, async (node) => {
    found.push({ node, probe: await probeOf(node, options) });
  });
  await firstOf(probing, options);
  const first = found.slice();
  const early = await treat(first, nodes, healths, options);
  await probing;
  const late = await treat(found.slice(first.length), nodes, healths, options);
  return {
    probed: found.length,
    answered: found.filter((one) => one.probe.kind === "answered").length,
    changed: [...early.changed, ...late.changed].map(({ metadata }) => metadata.name),
    busy: [...early.busy, ...late.busy],
  };
}

/** One that is not accepted is left alone, unless it was before: then its tasks are still to leave it. */
const isWatched = ({ spec, status }: Node): boolean =>
  spec.membership === "accepted" || (status?.state ?? "unknown") !== "unknown";

/** Until all are probed, or those that do not hang. */
async function firstOf(probing: Promise<unknown>, { clock, policy }: LookOptions): Promise<void> {
  const done = new AbortController();
  const time = clock.sleep(policy.firstMs, done.signal).catch(() => undefined);
  // A failure is told by whoever waits for all.
  await Promise.race([probing.catch(() => undefined), time]);
  done.abort();
}

async function probeOf(node: Node, { engines, clock, ids, policy, askAt, signal }: LookOptions): Promise<Probe> {
  const { uid } = node.metadata;
  const wantsFacts = node.status?.state !== "ready" || (askAt.get(uid) ?? 0) <= clock.monotonic();
  const pingMs = pingMsOf(node, clock.now(), policy);
  const found = await probe(node, { engines, clock, timeoutMs: policy.probeMs, pingMs, wantsFacts, signal });
  // Not all of a fleet at the same moment.
  const inMs = policy.infoMs * (0.5 + ids.random());
  if (found.kind === "answered" && found.facts !== undefined) askAt.set(uid, clock.monotonic() + inMs);
  return found;
}

function pingMsOf(node: Node, now: number, { probeMs, downPingMs, patientEveryMs, patientMs }: HealerPolicy): number {
  const isPatient = now % patientEveryMs < patientMs;
  return isGivenUp(node) && !isPatient ? Math.min(downPingMs, probeMs) : probeMs;
}

/** As it is now: what was changed since gets another chance. */
const isGivenUp = ({ metadata, status }: Node): boolean =>
  status?.state === "down" && status.observedGeneration === metadata.generation;

async function treat(found: readonly Found[], nodes: readonly Node[], healths: Healths, options: LookOptions) {
  const { treatment, policy } = options;
  const cases = await inParallel(found, policy.atOnceMax, (one) => caseOf(one, healths, options));
  return treatment.treat(cases.flat(), nodes);
}

/** Empty: there is nothing to say of it. */
async function caseOf({ node, probe: { ...found } }: Found, healths: Healths, options: LookOptions): Promise<readonly Case[]> {
  const { clock, book, logger } = options;
  const { name, uid } = node.metadata;
  const entry = healths.get(uid);
  try {
    if (found.kind === "answered") {
      const health = entry?.health.address === node.spec.address ? entry.health : undefined;
      if (entry !== undefined && isForgiven(node, entry, clock.now())) await book.reset(uid, entry);
      return [{ node, evidence: { kind: "well", facts: found.facts, health } }];
    }
    // To count on would cost a write a round.
    if (isGivenUp(node)) return [];
    const health = await book.count(uid, probeReport(node, found.error, clock.now()));
    return [{ node, evidence: { kind: "silent", error: found.error, health } }];
  } catch (error) {
    logger.log("warn", "healer: a node's failures can't be written", { node: name, error });
    return [];
  }
}

/** It answers, so its failures count no more; but refused calls do as long as they disable it. */
function isForgiven(node: Node, { health }: HealthEntry, now: number): boolean {
  if (health.failures === 0 && health.lastError === undefined) return false;
  if (health.callFailures === 0) return true;
  const isNew = node.status?.lastError === undefined && (health.callFailedMs ?? 0) + disabledDefaultMs > now;
  return !isNew && !isDisabled(node, now);
}

function forgetOthers(askAt: Map<string, number>, nodes: readonly Node[]): void {
  const uids = new Set(nodes.map(({ metadata }) => metadata.uid));
  for (const uid of askAt.keys()) if (!uids.has(uid)) askAt.delete(uid);
}
