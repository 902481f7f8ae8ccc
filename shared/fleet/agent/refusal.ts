/** A task can't be what it should be, and trying again on this node is no use: its end, in words for people. */
import type { TaskState } from "../../kinds/task.ts";

export class TaskRefusedError extends Error {
  override readonly name = "TaskRefusedError";
  /** rejected: no container could be made; failed: it could not be started. */
  readonly state: Extract<TaskState, "rejected" | "failed">;
  constructor(
    message: string,
    { state = "rejected", cause }: { readonly state?: "rejected" | "failed"; readonly cause?: unknown } = {},
  ) {
    super(message, { cause });
    this.state = state;
  }
}
