/** The events of all nodes for one listener: a stream for each node that there is. */
import type { Node } from "../../kinds/node.ts";
import { followNode, type NodeEventsOptions } from "./node-events.ts";

export class NodeStreams {
  failure: unknown;
  readonly #options: NodeEventsOptions;
  readonly #signal: AbortSignal;
  readonly #failed: (error: unknown) => void;
  /** By the nodes' uids and addresses. */
  readonly #open = new Map<string, AbortController>();
  /** Also of nodes that went: what they still tell is told before the end. */
  readonly #underway = new Set<Promise<void>>();

  constructor(options: NodeEventsOptions, signal: AbortSignal, failed: (error: unknown) => void) {
    this.#options = options;
    this.#signal = signal;
    this.#failed = failed;
  }

  set(nodes: readonly Node[]): void {
    const wanted = new Map(nodes.map((node) => [`${node.metadata.uid} ${node.spec.address}`, node]));
    for (const [key, stop] of this.#open) {
      if (wanted.has(key)) continue;
      stop.abort();
      this.#open.delete(key);
    }
    for (const [key, node] of wanted) if (!this.#open.has(key)) this.#begin(key, node);
  }

  /** Once the signal has aborted: resolves when nobody tells anything any more. */
  async end(): Promise<void> {
    await Promise.all(this.#underway);
  }

  #begin(key: string, node: Node): void {
    const stop = new AbortController();
    const following = followNode(node, this.#options, AbortSignal.any([this.#signal, stop.signal])).catch((error: unknown) => {
      if (this.#signal.aborted) return;
      this.failure ??= error;
      this.#failed(error);
    });
    this.#open.set(key, stop);
    const done = following.finally(() => this.#underway.delete(done));
    this.#underway.add(done);
  }
}
