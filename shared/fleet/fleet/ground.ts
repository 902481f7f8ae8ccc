/**
 * What the parts of a fleet stand on: the store and the engines, real ones or a dry run's. A call takes the ground that holds when it
 * begins and keeps it to its end, so that none is half in a dry run.
 */
import type { Clock } from "../../base/clock.ts";
import type { Ids } from "../../base/ids.ts";
import type { Logger } from "../../base/logger.ts";
import type { Cells } from "../../log/ports.ts";
import type { Store } from "../../state/store.ts";
import type { Attempts } from "../containers/attempts.ts";
import type { NodeEngines } from "../nodes/engines.ts";
import type { NodeHealer } from "../nodes/healer.ts";
import type { Hooks } from "../nodes/hooks.ts";
import type { Nodes } from "../nodes/nodes.ts";
import type { SecretResolver } from "../secrets/resolver.ts";

export type Ground = {
  readonly store: Store;
  readonly cells: Cells;
  readonly engines: NodeEngines;
  readonly nodes: Nodes;
  readonly healer: NodeHealer;
  readonly attempts: Attempts;
};

/** What does not change with a dry run. */
export type Tools = {
  readonly hooks: Hooks;
  readonly secrets: SecretResolver;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly logger: Logger;
};

/** The ground of the moment. */
export interface Footing {
  readonly ground: Ground;
}

/** Who the store's entries say did it. */
export const fleetActor = "windlass-fleet";
