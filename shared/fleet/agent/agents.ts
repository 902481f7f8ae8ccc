/**
 * Agents: one NodeAgent for each node that is ready and accepted. In a process that lives they follow the store and their engines; where
 * none does, rounds do the same. Any number at once do no harm: what they do follows from committed objects and is judged when committed.
 */
import type { Clock } from "../../base/clock.ts";
import type { Ids } from "../../base/ids.ts";
import type { Logger } from "../../base/logger.ts";
import { Pool } from "../../base/pool.ts";
import { type Container, containerKind } from "../../kinds/container.ts";
import { type Node, nodeKind } from "../../kinds/node.ts";
import { type Task, taskKind } from "../../kinds/task.ts";
import type { Cells } from "../../log/ports.ts";
import type { EventRecorder } from "../../state/core-events/event-recorder.ts";
import { type ObjectEvent, onAny, onDelete, type WatchEvent } from "../../state/event.ts";
import { follow } from "../../state/follow.ts";
import type { Store } from "../../state/store.ts";
import type { EnginesOfNodes } from "../containers/attempts.ts";
import { Leases } from "../nodes/lease.ts";
import type { SecretResolver } from "../secrets/resolver.ts";
import { Claim } from "./claim.ts";
import { Commits } from "./commits.ts";
import { isUsable, Lives } from "./lives.ts";
import { tellLost } from "./lost.ts";
import { NodeAgent } from "./node-agent.ts";
import { OwnUids } from "./own-uids.ts";
import { type AgentPolicy, defaultAgentPolicy } from "./policy.ts";
import { type NodeReports, Reporter } from "./reports.ts";
import { agentActor, type Shared } from "./site.ts";
import { agentComponent, Telling } from "./telling.ts";

export type AgentsOptions = {
  readonly store: Store;
  readonly cells: Cells;
  readonly engines: EnginesOfNodes;
  readonly secrets: SecretResolver;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly logger: Logger;
  readonly recorder?: EventRecorder;
  /** Uids of clusters whose containers are taken for this one's. */
  readonly adopted?: () => Promise<readonly string[]>;
  readonly reports?: NodeReports;
  readonly policy?: Partial<AgentPolicy>;
};

export type AgentRound = {
  /** Something is underway that a further round brings on: call again soon. */
  readonly again: boolean;
  /** Nodes that were worked on. */
  readonly nodes: number;
  /** Names of those whose engine failed. */
  readonly failed: readonly string[];
};

export type RoundOptions = {
  /** Only this node. */
  readonly nodeName?: string;
  readonly signal?: AbortSignal;
  /** The round ends by then. Absent: the policy's roundMs. */
  readonly ms?: number;
};

/** A round's claim outlives the round: its last calls end before. */
const claimSpareMs = 15_000;

export class Agents {
  readonly #shared: Shared;
  readonly #leases: Leases;
  readonly #reporter: Reporter;
  readonly #uids: OwnUids;
  #lives: Lives | undefined;

  constructor(options: AgentsOptions) {
    const { store, cells, engines, secrets, clock, ids, logger, recorder, reports } = options;
    const { adopted = async () => [] } = options;
    const policy = { ...defaultAgentPolicy, ...options.policy };
    const commits = new Commits({ store, actor: agentActor });
    const telling = new Telling({ recorder, logger });
    this.#uids = new OwnUids({ uid: store.uid, clock, adopted });
    const uids = () => this.#uids.get();
    this.#shared = { store, engines, secrets, clock, ids, logger, commits, telling, policy, uids };
    this.#leases = new Leases({ cells, uid: store.uid, clock, ids, owner: agentComponent });
    this.#reporter = new Reporter({ reports, logger });
  }

  /**
   * Lists each node's containers, brings their objects up to date and each task on as far as it goes now. The tasks of a node that another
   * round works on are left to it. Never takes longer than `ms`, but for what the store takes. @throws what the store does.
   */
  async round({ nodeName, signal, ms = this.#shared.policy.roundMs }: RoundOptions = {}): Promise<AgentRound> {
    const { store, commits, policy, telling } = this.#shared;
    this.#uids.forget();
    using over = this.#timeUp(ms);
    const both = signal === undefined ? over.signal : AbortSignal.any([signal, over.signal]);
    await tellLost({ store, commits });
    const all = await this.#nodes();
    const nodes = all.filter((node) => isUsable(node) && (nodeName === undefined || node.metadata.name === nodeName));
    const pool = new Pool(policy.nodesMax);
    const results = await Promise.all(
      // Those whose turn does not come before the round is over are left to the next.
      nodes.map((node) => pool.run(() => this.#roundOf(node, ms, both), both).catch(() => "again" as const)),
    );
    await telling.flush();
    const failed = nodes.flatMap(({ metadata }, index) => (results[index] === "failed" ? [metadata.name] : []));
    return { again: results.some((result) => result !== "done"), nodes: nodes.length, failed };
  }

  /** Until `signal` aborts or the cluster is deleted; then nothing of it is underway any more. Never rejects. */
  async run(signal: AbortSignal): Promise<void> {
    const { store, clock, logger, policy, telling } = this.#shared;
    this.#uids.forget();
    const lives = new Lives((node, until) => this.#agent(node, until), signal);
    this.#lives = lives;
    const specifiers = [...onAny(nodeKind), ...onAny(taskKind), onDelete(containerKind)];
    const look = (events: readonly WatchEvent[] | undefined): Promise<void> => this.#hear(lives, events);
    await follow({ store, clock, logger, name: "agents", specifiers, everyMs: policy.relistMs, look }, signal);
    await lives.end();
    await telling.flush();
  }

  /** Makes the object of one container what its engine shows now. @throws what the engine or the store does. */
  async look(nodeName: string, containerId: string): Promise<void> {
    const living = this.#lives?.of(nodeName);
    if (living !== undefined) return await living.look(containerId);
    const { value: node } = await this.#shared.store.view(({ nodes }) => nodes.get(nodeName));
    if (node === undefined) return;
    const stop = new AbortController();
    try {
      await this.#agent(node, stop.signal).look(containerId);
    } finally {
      stop.abort();
    }
  }

  #agent(node: Node, signal: AbortSignal): NodeAgent {
    const report = (error: unknown): void => void this.#reporter.tell(node, error);
    return new NodeAgent({ shared: this.#shared, node, signal, report });
  }

  async #roundOf(node: Node, ms: number, signal: AbortSignal): Promise<"done" | "again" | "failed"> {
    // Calls that are still underway when the round fails end with it.
    const stop = new AbortController();
    await using claim = new Claim(this.#leases, node, ms + claimSpareMs);
    try {
      const { again } = await this.#agent(node, AbortSignal.any([signal, stop.signal])).round(() => claim.make());
      await this.#reporter.tell(node, undefined);
      return again ? "again" : "done";
    } catch (error) {
      if (signal.aborted) return "again";
      const { name } = node.metadata;
      this.#shared.logger.log("warn", "agent: a node's round failed", { node: name, error });
      await this.#reporter.tell(node, error);
      return "failed";
    } finally {
      stop.abort();
    }
  }

  /** Nothing here waits for an engine. */
  async #hear(lives: Lives, events: readonly WatchEvent[] | undefined): Promise<void> {
    const changed = (events ?? []).filter((event): event is ObjectEvent => event.type !== "commit");
    if (events === undefined || changed.some(({ kind }) => kind === nodeKind.kind)) await this.#hearOfNodes(lives);
    if (events === undefined) lives.wake();
    const names = new Set(changed.filter(({ kind }) => kind === taskKind.kind).flatMap(nodesOf));
    for (const name of names) lives.of(name)?.wake();
    for (const { kind, object } of changed)
      if (kind === nodeKind.kind && object.metadata.deletionTimestamp !== undefined) lives.of(object.metadata.name)?.wake();
    for (const { kind, object } of changed) if (kind === containerKind.kind) hearOfDeleted(lives, object as unknown as Container);
  }

  async #hearOfNodes(lives: Lives): Promise<void> {
    const { store, commits } = this.#shared;
    lives.sync(await this.#nodes());
    await tellLost({ store, commits });
  }

  /** All that there are; others have nothing to be remembered. */
  async #nodes(): Promise<readonly Node[]> {
    const { value: nodes } = await this.#shared.store.view((transaction) => transaction.nodes.find());
    this.#reporter.keep(new Set(nodes.map(({ metadata }) => metadata.name)));
    return nodes;
  }

  /** A signal that aborts after `ms`, unless it is disposed of before. */
  #timeUp(ms: number): Disposable & { readonly signal: AbortSignal } {
    const [over, done] = [new AbortController(), new AbortController()];
    this.#shared.clock.sleep(ms, done.signal).then(
      () => over.abort(new RoundOverError(ms)),
      () => undefined, // it ended in time
    );
    return { signal: over.signal, [Symbol.dispose]: () => done.abort() };
  }
}

/** A round's time is over; what was underway ends, and the next round goes on. */
class RoundOverError extends Error {
  override readonly name = "RoundOverError";
  constructor(ms: number) {
    super(`the round took over ${ms} ms`);
  }
}

/** Who deleted the object may have meant the container: if it is stale now, it is removed. */
function hearOfDeleted(lives: Lives, { spec, status }: Container): void {
  const agent = lives.of(spec.nodeName);
  if (status?.containerId !== undefined) agent?.mark(status.containerId);
  agent?.wake();
}

/** A task's node, and the one that it had. */
function nodesOf({ object, previous }: ObjectEvent): readonly string[] {
  const names = [object, previous].map((task) => (task as unknown as Task | undefined)?.spec.nodeName);
  return names.filter((name) => name !== undefined);
}
