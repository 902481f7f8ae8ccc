/**
 * Keeps what is known of the nodes' engines: looks at all in rounds, takes reports from whoever calls them, and commits what changes.
 * Pings and counts stay beside the log: a fleet where nothing happens makes no entry. Any number of healers may look after one cluster.
 */
import type { Clock } from "../../base/clock.ts";
import type { Ids } from "../../base/ids.ts";
import type { Logger } from "../../base/logger.ts";
import type { Node } from "../../kinds/node.ts";
import type { Cells } from "../../log/ports.ts";
import type { EventRecorder } from "../../state/core-events/event-recorder.ts";
import type { Store } from "../../state/store.ts";
import type { NodeEngines } from "./engines.ts";
import { HealthBook } from "./health.ts";
import { Leases } from "./lease.ts";
import { type HealerRound, look } from "./look.ts";
import { defaultHealer, defaultHealerPolicy, type Healer, type HealerPolicy } from "./policy.ts";
import { isUnreached, reportOf } from "./reports.ts";
import { healerActor, nodeLease, Treatment } from "./treatment.ts";
import type { Evidence } from "./verdict.ts";
import { Watchfulness } from "./watchfulness.ts";

export type NodeHealerOptions = {
  readonly store: Store;
  readonly cells: Cells;
  readonly engines: NodeEngines;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly logger: Logger;
  readonly recorder?: EventRecorder;
  /** Absent: each failure disables a node for a minute. */
  readonly healer?: Healer;
  readonly policy?: Partial<HealerPolicy>;
};

export class NodeHealer {
  readonly policy: HealerPolicy;
  readonly #options: NodeHealerOptions;
  readonly #leases: Leases;
  readonly #book: HealthBook;
  readonly #treatment: Treatment;
  /** When each node's engine is asked again what it is, by uid, on the monotonic clock. */
  readonly #askAt = new Map<string, number>();
  #watchfulness: Watchfulness | undefined;

  constructor(options: NodeHealerOptions) {
    const { store, cells, clock, ids, logger, recorder, healer = defaultHealer } = options;
    const policy = { ...defaultHealerPolicy, ...options.policy };
    this.#options = options;
    this.policy = policy;
    const { uid } = store;
    this.#leases = new Leases({ cells, uid, clock, ids, owner: `${healerActor}-${ids.uuid().slice(0, 8)}` });
    this.#book = new HealthBook({ cells, uid, clock, apartMs: policy.apartMs });
    this.#treatment = new Treatment({ store, leases: this.#leases, clock, logger, recorder, healer, policy });
  }

  /** Looks at all nodes once. No node fails it; rejects when the store can't be asked, or with the signal's reason. Safe to repeat. */
  round(signal?: AbortSignal): Promise<HealerRound> {
    return this.#look(undefined, signal);
  }

  /** Rounds until `signal` aborts or the cluster is deleted; nodes that come or change are looked at when they do. Never rejects. */
  async run(signal: AbortSignal): Promise<void> {
    const look = (names: readonly string[] | undefined) => this.#look(names, signal);
    const forget = (node: Node) => this.#forget(node);
    const watching = new Watchfulness({ ...this.#options, policy: this.policy, look, forget }, signal);
    this.#watchfulness = watching;
    await watching.run();
    if (this.#watchfulness === watching) this.#watchfulness = undefined;
  }

  /**
   * A call to the node's engine failed: the source's handleNodeError. `counts`: as a failure, not only as its last error. A node that was
   * not reached is disconnected; any other takes no new containers for as long as the Healer answers. Never rejects.
   */
  async failed(node: Node, error: unknown, { counts = true }: { readonly counts?: boolean } = {}): Promise<void> {
    await this.#safely(node, async () => {
      const report = reportOf(node, error, { counts, atMs: this.#options.clock.now() });
      const health = await this.#book.count(node.metadata.uid, report);
      const kind = isUnreached(error) ? "silent" : "refused";
      await this.#treat(node, { kind, error: report.error, health });
      if (kind === "silent") this.#watchfulness?.want([node.metadata.name]);
    });
  }

  /** A call succeeded: the source's handleNodeSuccess. Costs nothing where the node is known to be well. Never rejects. */
  async succeeded(node: Node): Promise<void> {
    const { uid, name } = node.metadata;
    const { state, lastError } = node.status ?? {};
    if (state === "ready" && lastError === undefined) return;
    await this.#safely(node, async () => {
      // What else there is to know of it, only a probe tells.
      if (state !== "ready") return void (await this.#look([name], undefined));
      const entry = await this.#book.of(uid);
      if (entry !== undefined) await this.#book.reset(uid, entry);
      await this.#treat(node, { kind: "worked" });
    });
  }

  #look(names: readonly string[] | undefined, signal: AbortSignal | undefined): Promise<HealerRound> {
    const { store, engines, clock, ids, logger } = this.#options;
    const tools = { store, engines, clock, ids, logger, policy: this.policy };
    return look({ ...tools, book: this.#book, treatment: this.#treatment, askAt: this.#askAt, names, signal });
  }

  /** The node was removed, and with it all that is known beside its object. */
  async #forget(node: Node): Promise<void> {
    const { uid } = node.metadata;
    this.#options.engines.forget(uid);
    this.#askAt.delete(uid);
    await this.#safely(node, async () => {
      await this.#book.forget(uid);
      await this.#leases.forget(nodeLease(uid));
    });
  }

  /** The node as it is now, whatever the caller holds of it. */
  async #treat({ metadata: { name, uid } }: Node, evidence: Evidence): Promise<void> {
    const { value: node } = await this.#options.store.view(({ nodes }) => nodes.get(name));
    if (node?.metadata.uid === uid) await this.#treatment.treat([{ node, evidence }], []);
  }

  async #safely({ metadata: { name } }: Node, act: () => Promise<void>): Promise<void> {
    try {
      await act();
    } catch (error) {
      this.#options.logger.log("warn", "healer: what is told of a node can't be kept", { node: name, error });
    }
  }
}
