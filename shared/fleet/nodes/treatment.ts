/**
 * From what was seen of nodes to what is committed: the lease of each node whose state changes, what the Healer answers for it, one batch
 * for all, and the events that tell of it. Who finds a node's lease taken leaves the node to whoever has it: what was counted is counted.
 */
import type { Clock } from "../../base/clock.ts";
import type { Logger } from "../../base/logger.ts";
import type { Node } from "../../kinds/node.ts";
import { TooLargeError } from "../../log/errors.ts";
import type { EventRecorder } from "../../state/core-events/event-recorder.ts";
import { referenceTo } from "../../state/core-events/event-recorder.ts";
import { InvalidObjectError } from "../../state/errors.ts";
import type { Store } from "../../state/store.ts";
import type { Transaction } from "../../state/transaction.ts";
import { inParallel } from "./in-parallel.ts";
import { Lease, type Leases } from "./lease.ts";
import { defaultHealer, disabledDefaultMs, disabledMaxMs, type Healer, type HealerPolicy } from "./policy.ts";
import { byEngine, identityOf, isOlder, twinOf } from "./twins.ts";
import { asksHealer, type Evidence, judge, type Note } from "./verdict.ts";

/** A node as it was when it was looked at, and what was seen. */
export type Case = { readonly node: Node; readonly evidence: Evidence };
export type Treated = {
  /** As they stand now. */
  readonly changed: readonly Node[];
  /** Nodes whose state should change, and that somebody else works on. */
  readonly busy: readonly string[];
};

export type TreatmentOptions = {
  readonly store: Store;
  readonly leases: Leases;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly recorder: EventRecorder | undefined;
  readonly healer: Healer;
  readonly policy: HealerPolicy;
};

/** Of the entries' actor and the events' source. */
export const healerActor = "node-healer";
/** The lease of a node; its purpose where a failure is worked on: the source's lock with isFailure. */
export const nodeLease = (uid: string): string => `node/${uid}`;
export const healingPurpose = "healing";
/** Leases that are asked for at once. */
const leasesAtOnceMax = 64;
/** Events of one round; when more nodes change at once, their statuses say why, and a log line how many. */
export const eventsMax = 100;

type Told = { readonly node: Node; readonly notes: readonly Note[] };

export class Treatment {
  readonly #options: TreatmentOptions;

  constructor(options: TreatmentOptions) {
    this.#options = options;
  }

  /** `nodes`: all, for twins. Rejects when the store does not take it; safe to repeat. */
  async treat(cases: readonly Case[], nodes: readonly Node[]): Promise<Treated> {
    const due = this.#due(cases, nodes);
    if (due.length === 0) return { changed: [], busy: [] };
    const taken = await inParallel(due, leasesAtOnceMax, (one) => this.#take(one));
    const held = due.filter((_, index) => taken[index] !== undefined);
    const busy = due.filter((_, index) => taken[index] === undefined).map(({ node }) => node.metadata.name);
    const told = await this.#commit(held).finally(() => inParallel(taken, leasesAtOnceMax, (lease) => this.#release(lease)));
    await this.#tell(told);
    return { changed: told.map(({ node }) => node), busy };
  }

  /** Those whose state would change, the older first: of two new nodes that are one engine it is the one that is used. */
  #due(cases: readonly Case[], nodes: readonly Node[]): readonly Case[] {
    const { policy, clock } = this.#options;
    const byIdentity = Map.groupBy(nodes, ({ status }) => identityOf(status?.engine));
    const now = clock.now();
    const isDue = ({ node, evidence }: Case): boolean => {
      const twin = twinAmong(node, evidence, (identity) => byIdentity.get(identity) ?? []);
      return judge(node, evidence, { now, policy, disabledMs: disabledDefaultMs, twin }) !== undefined;
    };
    return cases.filter(isDue).sort((one, other) => (isOlder(one.node, other.node) ? -1 : 1));
  }

  async #take({ node, evidence }: Case): Promise<Lease | undefined> {
    const { leases, policy, logger } = this.#options;
    const isFailure = evidence.kind === "silent" || evidence.kind === "refused";
    try {
      const lease = await leases.take(nodeLease(node.metadata.uid), policy.leaseMs, isFailure ? healingPurpose : "checking");
      return lease instanceof Lease ? lease : undefined;
    } catch (error) {
      logger.log("warn", "healer: a lease can't be asked for", { node: node.metadata.name, error });
      return undefined;
    }
  }

  async #release(lease: Lease | undefined): Promise<void> {
    await lease
      ?.release()
      .catch((error: unknown) => this.#options.logger.log("warn", "healer: a lease ends with its time", { error }));
  }

  async #commit(held: readonly Case[]): Promise<readonly Told[]> {
    if (held.length === 0) return [];
    const answers = await this.#askHealer(held);
    const told = new Map<Case, Told>();
    const steps = held.map((one) => (transaction: Transaction) => {
      // A batch may run a step again: only the last run counts.
      told.delete(one);
      const result = this.#carryOut(transaction, one, answers.get(one) ?? 0);
      if (result !== undefined) told.set(one, result);
    });
    await this.#options.store.batch(steps, { actor: healerActor });
    return [...told.values()];
  }

  /** Once for each failure: not for nodes where somebody was quicker. */
  async #askHealer(held: readonly Case[]): Promise<ReadonlyMap<Case, number>> {
    const { store } = this.#options;
    const { value: current } = await store.view(({ nodes }) => held.map(({ node }) => nodes.get(node.metadata.name)));
    const answers = new Map<Case, number>();
    for (const [index, one] of held.entries()) {
      const node = current[index];
      if (node === undefined || !isSame(node, one.node) || !asksHealer(one.evidence)) continue;
      if (this.#judge(node, one.evidence, disabledDefaultMs, undefined) === undefined) continue;
      answers.set(one, this.#disabledMs(node, one.evidence));
    }
    return answers;
  }

  #disabledMs(node: Node, evidence: Evidence): number {
    const { healer, logger } = this.#options;
    const failures = "health" in evidence ? (evidence.health?.failures ?? 0) : 0;
    try {
      const ms = healer.handleError(node, failures);
      return ms >= 0 ? Math.min(ms, disabledMaxMs) : disabledDefaultMs;
    } catch (error) {
      logger.log("warn", "healer: handleError failed", { node: node.metadata.name, error });
      return defaultHealer.handleError(node, failures);
    }
  }

  #carryOut(transaction: Transaction, { node: seen, evidence }: Case, disabledMs: number): Told | undefined {
    const { nodes } = transaction;
    const node = nodes.get(seen.metadata.name);
    if (node === undefined || !isSame(node, seen)) return undefined;
    const twin = twinAmong(node, evidence, (identity) => nodes.find(byEngine(identity)));
    const verdict = this.#judge(node, evidence, disabledMs, twin);
    if (verdict === undefined) return undefined;
    const mark = transaction.mark();
    try {
      return { node: nodes.update({ ...node, status: verdict.status }), notes: verdict.notes };
    } catch (error) {
      const isItsOwn = error instanceof InvalidObjectError || (error instanceof TooLargeError && error.what === "object");
      if (!isItsOwn) throw error;
      transaction.rollback(mark);
      this.#options.logger.log("warn", "healer: a node's status can't be written", { node: seen.metadata.name, error });
      return undefined;
    }
  }

  #judge(node: Node, evidence: Evidence, disabledMs: number, twin: Node | undefined) {
    const { clock, policy } = this.#options;
    return judge(node, evidence, { now: clock.now(), policy, disabledMs, twin });
  }

  /** Never rejects: what can't be told is in the nodes' statuses all the same. */
  async #tell(told: readonly Told[]): Promise<void> {
    const { recorder, logger } = this.#options;
    if (recorder === undefined) return;
    const events = told.flatMap(({ node, notes }) => notes.map((note) => ({ involvedObject: referenceTo(node), ...note })));
    if (events.length > eventsMax) logger.log("warn", "healer: events are left out", { count: events.length - eventsMax });
    for (const event of events.slice(0, eventsMax)) {
      try {
        await recorder.record({ ...event, source: { component: healerActor } });
      } catch (error) {
        logger.log("warn", "healer: an event can't be recorded", {
          node: event.involvedObject.name,
          reason: event.reason,
          error,
        });
        return;
      }
    }
  }
}

/** Another node of its name is not what was looked at, and one at another address not where. */
const isSame = (node: Node, seen: Node): boolean =>
  node.metadata.uid === seen.metadata.uid && node.spec.address === seen.spec.address;

function twinAmong(node: Node, evidence: Evidence, thatAre: (identity: string) => readonly Node[]): Node | undefined {
  if (evidence.kind !== "well") return undefined;
  const identity = identityOf(evidence.facts ?? node.status?.engine);
  return identity === undefined ? undefined : twinOf(node, identity, thatAre(identity));
}
