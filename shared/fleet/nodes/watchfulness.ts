/**
 * A healer's loop: a round at once and then every so often, a look at each node that comes or whose spec changes, and one more a moment
 * after a node was not reached. A round that takes long holds up nobody else's look.
 */
import type { Clock } from "../../base/clock.ts";
import type { Logger } from "../../base/logger.ts";
import { type Node, nodeKind } from "../../kinds/node.ts";
import { GoneError, SealedError } from "../../state/errors.ts";
import { type ObjectEvent, onAny, type WatchEvent } from "../../state/event.ts";
import { follow } from "../../state/follow.ts";
import type { Store } from "../../state/store.ts";
import { Alarm } from "../reconcile/alarm.ts";
import { Looks } from "./looks.ts";
import type { HealerPolicy } from "./policy.ts";

export type WatchfulnessOptions = {
  readonly store: Store;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly policy: HealerPolicy;
  /** undefined: at all nodes. */
  readonly look: (names: readonly string[] | undefined) => Promise<unknown>;
  /** The node is gone. Never rejects. */
  readonly forget: (node: Node) => Promise<void>;
};

export class Watchfulness {
  readonly #options: WatchfulnessOptions;
  readonly #signal: AbortSignal;
  readonly #looks: Looks;
  readonly #alarm: Alarm;
  #round: Promise<void> | undefined;
  #isAlarmed = false;

  constructor(options: WatchfulnessOptions, signal: AbortSignal) {
    this.#options = options;
    this.#signal = signal;
    this.#looks = new Looks((names) => this.#lookAt(names));
    this.#alarm = new Alarm(options.clock, signal);
  }

  /** Until the signal aborts or the cluster is deleted, and all looks are over. Never rejects. */
  async run(): Promise<void> {
    const { store, clock, logger, policy } = this.#options;
    const specifiers = onAny(nodeKind);
    const look = async (events: readonly WatchEvent[] | undefined): Promise<void> => {
      if (events === undefined) this.#round ??= this.#fullRound();
      else await this.#hear(events);
    };
    await follow({ store, clock, logger, name: "healer", specifiers, everyMs: policy.roundMs, look }, this.#signal);
    await this.#round;
    await this.#looks.idle();
    this.#alarm.set(undefined, () => undefined);
  }

  /** Looks at them now, or after the look that they are in. */
  want(names: Iterable<string>): void {
    if (!this.#signal.aborted) this.#looks.want(names);
  }

  async #fullRound(): Promise<void> {
    await this.#lookAt(undefined);
    this.#round = undefined;
  }

  async #hear(events: readonly WatchEvent[]): Promise<void> {
    const ofNodes = events.filter((event): event is ObjectEvent<Node> => event.type !== "commit");
    const gone = ofNodes.filter(({ type }) => type === "delete");
    await Promise.all(gone.map(({ object }) => this.#options.forget(object)));
    this.want(ofNodes.filter(isNews).map(({ object }) => object.metadata.name));
  }

  async #lookAt(names: readonly string[] | undefined): Promise<void> {
    const { look, clock, policy, logger, store } = this.#options;
    try {
      await look(names);
      const silent = await this.#silent();
      if (silent.length > 0 && !this.#isAlarmed) this.#lookAgain(silent, clock.now() + policy.retryMs);
    } catch (error) {
      if (this.#signal.aborted || error instanceof SealedError || error instanceof GoneError) return;
      logger.log("warn", "healer: a round failed", { cluster: store.uid, error });
    }
  }

  /** The first that asks decides when: a round in between puts nothing off. */
  #lookAgain(names: readonly string[], at: number): void {
    this.#isAlarmed = true;
    this.#alarm.set(at, () => {
      this.#isAlarmed = false;
      this.want(names);
    });
  }

  async #silent(): Promise<readonly string[]> {
    const { value: nodes } = await this.#options.store.view((transaction) => transaction.nodes.find());
    return nodes.filter(({ status }) => status?.state === "disconnected").map(({ metadata }) => metadata.name);
  }
}

/** Its own commits change statuses only. */
function isNews({ type, object, previous }: ObjectEvent<Node>): boolean {
  return type !== "delete" && previous?.metadata.generation !== object.metadata.generation;
}
