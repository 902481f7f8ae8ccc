/** The port Scheduler: which node gets a container. Adapters: placement-scheduler.ts, the default, and round-robin.ts, the source's. */
import type { Node } from "../../kinds/node.ts";
import type { Store } from "../../state/store.ts";
import type { ContainerCreate } from "../engine/containers.ts";

export type ScheduleRequest = {
  /** Those that are enabled: accepted, active, and neither disabled nor being healed. */
  readonly nodes: readonly Node[];
  /** What is there: tasks, containers. */
  readonly store: Store;
  readonly body: ContainerCreate;
  readonly platform?: string | undefined;
  /** What the caller gave for the scheduler, for it alone to read and to check. */
  readonly options: unknown;
  /** Names of nodes where this container could not be made just now: only if there is no other. */
  readonly avoid: ReadonlySet<string>;
};

export interface Scheduler {
  /** One of `nodes`. @throws NoNodesError: none takes it; InvalidOptionError: the options are wrong. */
  schedule(request: ScheduleRequest): Promise<Node>;
}
