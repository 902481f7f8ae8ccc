/** The events of all nodes for one listener: a stream for each node that there is. */
import type { Node } from "../../kinds/node.ts";
import { followNode, type NodeEventsOptions } from "./node-events.ts";

export class NodeStreams {
  failure: unknown;
  readonly #options: NodeEventsOptions;
  readonly #signal: AbortSignal;
  readonly #failed: (error: unknown) => void;
  /** By the nodes' uids and addresses. */
  readonly #open = new Map<string, { readonly stop: AbortController; readonly done: Promise<void> }>();

  constructor(options: NodeEventsOptions, signal: AbortSignal, failed: (error: unknown) => void) {
    this.#options = options;
    this.#signal = signal;
    this.#failed = failed;
  }

  set(nodes: readonly Node[]): void {
    const wanted = new Map(nodes.map((node) => [`${node.metadata.uid} ${node.spec.address}`, node]));
    for (const [key, { stop }] of this.#open) {
      if (wanted.has(key)) continue;
      stop.abort();
      this.#open.delete(key);
    }
    for (const [key, node] of wanted) if (!this.#open.has(key)) this.#begin(key, node);
  }

  async end(): Promise<void> {
    await Promise.all([...this.#open.values()].map(({ done }) => done));
  }

  #begin(key: string, node: Node): void {
    const stop = new AbortController();
    const done = followNode(node, this.#options, AbortSignal.any([this.#signal, stop.signal])).catch((error: unknown) => {
      if (this.#signal.aborted) return;
      this.failure ??= error;
      this.#failed(error);
    });
    this.#open.set(key, { stop, done });
  }
}
