/**
 * What a deleted cluster leaves on its nodes, removed: its containers and the networks that were made for them. A container is the
 * cluster's only if labels and engine-side name say so, a network if its label does; all else is foreign and stays. It may be done twice,
 * by two at once, and stopped anywhere: what is left is found again. A node that can't be reached holds the deletion for a bounded time.
 */
import type { Clock } from "../base/clock.ts";
import { errorText } from "../base/error-text.ts";
import type { Logger } from "../base/logger.ts";
import type { Cluster } from "../kinds/cluster.ts";
import type { Node } from "../kinds/node.ts";
import { engineNameOf } from "./agent/summary.ts";
import { attemptOf, clusterUidLabel } from "./containers/labels.ts";
import type { Engine } from "./engine.ts";
import { EngineError, NoSuchContainerError, NoSuchNetworkError } from "./engine-errors.ts";
import { NodeEngines, type OpenEngine } from "./nodes/engines.ts";
import { inParallel } from "./nodes/in-parallel.ts";
import { readSealedLife, type SealedLifePorts } from "./sealed-life.ts";
import { tlsMaterialOf } from "./secrets/forms.ts";
import type { SecretResolver } from "./secrets/resolver.ts";

export type ClearanceOptions = SealedLifePorts & {
  readonly open: OpenEngine;
  readonly secrets: SecretResolver;
  readonly clock: Clock;
  readonly logger: Logger;
};

/** After its deletion was asked for, a cluster waits so long for nodes that can't be cleared: longer than a machine needs to start again. */
export const clearHoldMs = 600_000;
/** Nodes that are worked on at once, and calls of each. */
const nodesAtOnce = 128;
const callsAtOnce = 8;
/** An engine's answer: to kill and remove a container takes it seconds. */
const callMs = 15_000;
/** Nothing begins on a node after so long; the rest comes with the next call. */
const nodeMs = 45_000;
/** Nodes that one line of the log names. */
const namedMax = 100;

export class Clearance {
  readonly #options: ClearanceOptions;

  constructor(options: ClearanceOptions) {
    this.#options = options;
  }

  /**
   * Whether nothing is left to remove, or what is left is waited for no longer; then a warning names the nodes. Of a cluster whose log is
   * sealed. false also when `signal` aborted meanwhile. @throws what reading the life throws.
   */
  async clear(cluster: Cluster, signal?: AbortSignal): Promise<boolean> {
    const { clock, logger } = this.#options;
    const { name, uid } = cluster.metadata;
    const { nodes, attemptsEndMs } = await readSealedLife(cluster, this.#options);
    if (nodes.length === 0) return true;
    const startedMs = clock.now();
    const left = await this.#clearNodes(cluster, nodes, signal);
    if (signal?.aborted === true) return false;
    if (left.length === 0 && attemptsEndMs <= startedMs) return true;
    if (!isHeldTooLong(cluster, startedMs)) {
      if (left.length > 0)
        logger.log("info", "a deleted cluster's nodes are not cleared yet", { cluster: name, nodes: named(left) });
      return false;
    }
    logger.log("warn", "a deleted cluster's containers may run on: its nodes could not be cleared", {
      cluster: name,
      uid,
      nodes: named(left),
      more: Math.max(0, left.length - namedMax),
    });
    return true;
  }

  /** Those that are not clear. */
  async #clearNodes(cluster: Cluster, nodes: readonly Node[], signal: AbortSignal | undefined): Promise<readonly Left[]> {
    const { adopts = [] } = cluster.spec;
    const uids = new Set([cluster.metadata.uid, ...adopts]);
    await using engines = new NodeEngines({ ...this.#options, clusterTls: () => this.#clusterTls(cluster) });
    const left = await inParallel(nodes, nodesAtOnce, async (node): Promise<Left | undefined> => {
      try {
        signal?.throwIfAborted();
        await this.#clearNode(await engines.of(node), { uids, signal });
        return undefined;
      } catch (error) {
        return { node: node.metadata.name, why: errorText(error) };
      }
    });
    return left.filter((one) => one !== undefined);
  }

  /** @throws what the engine does. */
  async #clearNode(engine: Engine, { uids, signal }: Scope): Promise<void> {
    const { clock } = this.#options;
    const endsMs = clock.monotonic() + nodeMs;
    const call = { timeoutMs: callMs, ...(signal && { signal }) };
    const inTime = (act: () => Promise<void>): Promise<void> => {
      if (clock.monotonic() >= endsMs) throw new Error(`it is not cleared after ${nodeMs} ms`);
      return act();
    };
    const filters = { label: [clusterUidLabel] };
    const rows = await engine.containers.list({ all: true, filters }, call);
    const own = rows.filter((row) => attemptOf({ labels: row.Labels, engineName: engineNameOf(row) }, uids) !== undefined);
    await inParallel(own, callsAtOnce, ({ Id }) =>
      inTime(() => engine.containers.remove(Id, { force: true, volumes: true }, call).catch(ignoreGone)),
    );
    const networks = await engine.networks.list(filters, call);
    const ownNetworks = networks.filter(({ Labels }) => uids.has(Labels?.[clusterUidLabel] ?? ""));
    await inParallel(ownNetworks, callsAtOnce, ({ Id }) => inTime(() => engine.networks.remove(Id, call).catch(ignoreUsed)));
  }

  async #clusterTls({ spec }: Cluster) {
    const name = spec.nodeTls?.secretRef.name;
    return name === undefined ? undefined : tlsMaterialOf(name, await this.#options.secrets.resolve(name));
  }
}

type Left = { readonly node: string; readonly why: string };
type Scope = { readonly uids: ReadonlySet<string>; readonly signal: AbortSignal | undefined };

/** Whether its deletion waits for its nodes no longer. `graceMs`: for who waits for another who clears. */
export function isHeldTooLong({ metadata }: Cluster, now: number, graceMs = 0): boolean {
  return now >= Date.parse(metadata.deletionTimestamp ?? "") + clearHoldMs + graceMs;
}

const named = (left: readonly Left[]): readonly string[] => left.slice(0, namedMax).map(({ node, why }) => `${node}: ${why}`);

function ignoreGone(error: unknown): void {
  if (!(error instanceof NoSuchContainerError)) throw error;
}

/** One that foreign containers are attached to is theirs as well: it stays. */
function ignoreUsed(error: unknown): void {
  const isUsed = error instanceof EngineError && error.status === 403;
  if (!isUsed && !(error instanceof NoSuchNetworkError)) throw error;
}
