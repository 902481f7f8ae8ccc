/** Agents with a life of their own: one for each node that may be used, begun when it may and ended when it may no more. */
import type { Node } from "../../kinds/node.ts";
import type { NodeAgent } from "./node-agent.ts";

type Life = { readonly key: string; readonly agent: NodeAgent; readonly stop: AbortController };

export class Lives {
  readonly #make: (node: Node, signal: AbortSignal) => NodeAgent;
  readonly #signal: AbortSignal;
  /** By the nodes' names. */
  readonly #lives = new Map<string, Life>();
  /** Also of those that were told to end. */
  readonly #underway = new Set<Promise<void>>();

  constructor(make: (node: Node, signal: AbortSignal) => NodeAgent, signal: AbortSignal) {
    this.#make = make;
    this.#signal = signal;
  }

  of(nodeName: string): NodeAgent | undefined {
    return this.#lives.get(nodeName)?.agent;
  }

  /** `nodes`: all that there are. One that has another address or secret than before begins anew. */
  sync(nodes: readonly Node[]): void {
    const usable = new Map(nodes.filter(isUsable).map((node) => [node.metadata.name, node]));
    for (const [name, { key, stop }] of this.#lives) {
      const node = usable.get(name);
      if (node !== undefined && keyOf(node) === key) continue;
      stop.abort();
      this.#lives.delete(name);
    }
    if (this.#signal.aborted) return;
    for (const [name, node] of usable) if (!this.#lives.has(name)) this.#lives.set(name, this.#begin(node));
  }

  wake(): void {
    for (const { agent } of this.#lives.values()) agent.wake();
  }

  /** Ends all; resolves when nothing of them is underway. */
  async end(): Promise<void> {
    for (const { stop } of this.#lives.values()) stop.abort();
    this.#lives.clear();
    await Promise.all(this.#underway);
  }

  #begin(node: Node): Life {
    const stop = new AbortController();
    const agent = this.#make(node, AbortSignal.any([this.#signal, stop.signal]));
    const run = agent.run().finally(() => this.#underway.delete(run));
    this.#underway.add(run);
    return { key: keyOf(node), agent, stop };
  }
}

/** Its engine answers, and it is one of the cluster's. */
export const isUsable = ({ spec, status }: Node): boolean => status?.state === "ready" && spec.membership === "accepted";

const keyOf = ({ metadata, spec }: Node): string => JSON.stringify([metadata.uid, spec.address, spec.tls?.secretRef.name]);
