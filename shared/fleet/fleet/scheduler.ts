/** The port Scheduler: which node gets a container. Adapters: placement-scheduler.ts, the default, and round-robin.ts, the source's. */
import type { Node } from "../../kinds/node.ts";
import type { Store } from "../../state/store.ts";
import type { Transaction } from "../../state/transaction.ts";
import type { ContainerCreate } from "../engine/containers.ts";

export type ScheduleRequest = {
  /** Those that are enabled: accepted, active, and neither disabled nor given up. One whose failure is worked on just now may be among them. */
  readonly nodes: readonly Node[];
  /** What is there: tasks, containers. */
  readonly store: Store;
  readonly body: ContainerCreate;
  /** Where its Container stands, or will: what an earlier try left there takes no room from this one. */
  readonly object: { readonly namespace: string; readonly name: string };
  readonly platform?: string | undefined;
  /** What the caller gave for the scheduler, for it alone to read and to check. */
  readonly options: unknown;
  /** Names of nodes where this container could not be made just now: only if there is no other. */
  readonly avoid: ReadonlySet<string>;
};

export interface Scheduler {
  /** One of `nodes`. @throws NoNodesError: none takes it; InvalidOptionError: the options are wrong. */
  schedule(request: ScheduleRequest): Promise<Node>;
  /**
   * Whether the node that it chose takes the container still, asked in the transaction that commits it: of two that saw the same room
   * only one gets it, the other is scheduled anew. Absent: always. May run several times.
   */
  admits?(transaction: Transaction, node: Node, request: ScheduleRequest): boolean;
}
