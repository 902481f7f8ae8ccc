/** What all parts of one node's agent stand on: its node, its engine behind a pool, the store behind group commits, and who is told. */
import type { Clock } from "../../base/clock.ts";
import type { Ids } from "../../base/ids.ts";
import type { Logger } from "../../base/logger.ts";
import { Pool } from "../../base/pool.ts";
import type { Node } from "../../kinds/node.ts";
import type { WindlassObject } from "../../kinds/object.ts";
import type { Store } from "../../state/store.ts";
import type { EnginesOfNodes } from "../containers/attempts.ts";
import type { Call } from "../engine/call.ts";
import type { Engine } from "../engine.ts";
import type { SecretResolver } from "../secrets/resolver.ts";
import type { Commits } from "./commits.ts";
import type { AgentPolicy } from "./policy.ts";
import type { Note, Telling } from "./telling.ts";

/** Who the entries say did it. */
export const agentActor = "agent";

/** What all agents share. */
export type Shared = {
  readonly store: Store;
  readonly engines: EnginesOfNodes;
  readonly secrets: SecretResolver;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly logger: Logger;
  readonly commits: Commits;
  readonly telling: Telling;
  readonly policy: AgentPolicy;
  /** The cluster's uid and those of clusters whose containers it has taken over. */
  readonly uids: () => Promise<ReadonlySet<string>>;
};

export type EngineCall<T> = (engine: Engine, call: Call) => Promise<T>;

export class Site {
  readonly shared: Shared;
  readonly node: Node;
  /** Ends all of its calls. */
  readonly signal: AbortSignal;
  readonly #calls: Pool;
  readonly #stops: Pool;
  readonly #pulls: Pool;

  constructor(shared: Shared, node: Node, signal: AbortSignal) {
    this.shared = shared;
    this.node = node;
    this.signal = signal;
    this.#calls = new Pool(shared.policy.callsMax);
    this.#stops = new Pool(shared.policy.stopsMax);
    this.#pulls = new Pool(shared.policy.pullsMax);
  }

  get nodeName(): string {
    return this.node.metadata.name;
  }

  engine(): Promise<Engine> {
    return this.shared.engines.of(this.node);
  }

  /** One call of the engine, in its turn. @throws what the engine does; the signal's reason. */
  call<T>(act: EngineCall<T>, timeoutMs: number = this.shared.policy.callMs): Promise<T> {
    return this.#calls.run(async () => act(await this.engine(), { signal: this.signal, timeoutMs }), this.signal);
  }

  /** A stop waits for its container's grace period and must not hold other calls up. */
  stop<T>(act: EngineCall<T>): Promise<T> {
    const { callMs: timeoutMs } = this.shared.policy;
    return this.#stops.run(async () => act(await this.engine(), { signal: this.signal, timeoutMs }), this.signal);
  }

  pull<T>(act: (engine: Engine, signal: AbortSignal) => Promise<T>): Promise<T> {
    return this.#pulls.run(async () => act(await this.engine(), this.signal), this.signal);
  }

  tell(about: WindlassObject, note: Note): void {
    this.shared.telling.tell(about, this.nodeName, note);
  }
}
