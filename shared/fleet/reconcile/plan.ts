/** What one round has decided so far. Decisions about one task are merged, and what is to be placed waits for the end of the round. */
import type { Task } from "../../kinds/task.ts";
import { taskStateRank } from "../../kinds/task.ts";
import type {
  Action,
  ChangeNode,
  ChangeService,
  ChangeTask,
  HoldNode,
  NewTask,
  ReleaseNode,
  ReplaceTask,
  StepUpdate,
} from "./actions.ts";
import { isAssigned, isOver } from "./world.ts";

export class Plan {
  readonly services: ChangeService[] = [];
  readonly nodes: ChangeNode[] = [];
  readonly holds: HoldNode[] = [];
  readonly releases: ReleaseNode[] = [];
  readonly replaces: ReplaceTask[] = [];
  readonly steps: StepUpdate[] = [];
  readonly deleted = new Set<Task>();
  readonly #changes = new Map<Task, ChangeTask>();
  /** Changes that are part of a replacement, and are carried out with it. */
  readonly #bound = new Set<ChangeTask>();
  #wakeAt: number | undefined;
  #isWaiting = false;

  get wakeAt(): number | undefined {
    return this.#wakeAt;
  }

  /** Time alone changes the decision then. */
  wake(at: number): void {
    if (this.#wakeAt === undefined || at < this.#wakeAt) this.#wakeAt = at;
  }

  /** A task fits nowhere. */
  get isWaiting(): boolean {
    return this.#isWaiting;
  }

  wait(): void {
    this.#isWaiting = true;
  }

  change(task: Task): ChangeTask {
    let change = this.#changes.get(task);
    if (change === undefined) {
      change = { do: "change", task };
      this.#changes.set(task, change);
    }
    return change;
  }

  /** The task is not wanted any more. One that never had a node is over with that. */
  end(task: Task, { desiredState, why, isLost }: Ending): ChangeTask {
    const change = this.change(task);
    if (taskStateRank(task.spec.desiredState) < taskStateRank(desiredState)) change.desiredState = desiredState;
    if (isOver(task)) return change;
    if (isLost) Object.assign(change, { state: "orphaned", message: why });
    else if (!isAssigned(task)) Object.assign(change, { state: "shutdown", message: why });
    return change;
  }

  delete(task: Task): void {
    // A finalizer is somebody's word that it must not go yet.
    if ((task.metadata.finalizers ?? []).length === 0) this.deleted.add(task);
  }

  replace(options: Omit<ReplaceTask, "do">): ReplaceTask {
    const replace: ReplaceTask = { do: "replace", ...options };
    for (const change of options.ends) this.#bound.add(change);
    return replace;
  }

  /** What the task is meant to be when this round is carried out. */
  isWanted(task: Task): boolean {
    const desired = this.#changes.get(task)?.desiredState ?? task.spec.desiredState;
    return taskStateRank(desired) <= runningRank && !this.deleted.has(task);
  }

  /** Whether the task, by what this round decided, holds nothing on its node. */
  isOver(task: Task): boolean {
    const state = this.#changes.get(task)?.state;
    return (state !== undefined && taskStateRank(state) > runningRank) || isOver(task);
  }

  get creates(): NewTask[] {
    return [...this.replaces, ...this.steps.flatMap(({ replaces }) => replaces)].map(({ create }) => create);
  }

  /**
   * Services first: steps build on what they say of updates. Then nodes, what ends, what begins, and what goes, nodes last; replacements in
   * the order of their nodes, so that whoever carries them out looks at each node once.
   */
  actions(): Action[] {
    const changes = [...this.#changes.values()].filter((change) => !this.#bound.has(change) && !isEmpty(change));
    const deletes = [...this.deleted].map((task): Action => ({ do: "delete", task }));
    const kept = changes.filter(({ task }) => !this.deleted.has(task));
    const nodes = [...this.nodes, ...this.holds];
    return [...this.services, ...nodes, ...kept, ...this.steps, ...this.replaces.toSorted(byNode), ...deletes, ...this.releases];
  }
}

export type Ending = { readonly desiredState: "shutdown" | "remove"; readonly why: string; readonly isLost?: boolean };

const runningRank = taskStateRank("running");

const isEmpty = ({ desiredState, nodeName, state, message }: ChangeTask): boolean =>
  desiredState === undefined && nodeName === undefined && state === undefined && message === undefined;

function byNode(one: ReplaceTask, other: ReplaceTask): number {
  const [left, right] = [one.create.nodeName ?? "", other.create.nodeName ?? ""];
  return left < right ? -1 : left > right ? 1 : 0;
}
