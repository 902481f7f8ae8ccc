/** The part of the Engine port that runs containers. All throw NoSuchContainerError. */
import type { Call } from "./call.ts";

export type StopOptions = {
  /** Seconds between the signal and SIGKILL. Absent: the container's own, else 10. The call's time-out begins after them. */
  readonly graceSeconds?: number;
  /** Absent: the container's own. Engines before 23 take the container's own always. */
  readonly signal?: string;
};

export type WaitCondition = "not-running" | "next-exit" | "removed";
export type WaitResult = { readonly StatusCode: number; readonly Error?: { readonly Message: string } };

export type Processes = {
  /** The titles of ps. */
  readonly Titles: readonly string[];
  readonly Processes: readonly (readonly string[])[];
};

export interface EngineRuns {
  /** @throws EngineError when its command can't be run: 400, 404 or 500 by the engine's version. */
  start(id: string, call?: Call): Promise<void>;
  stop(id: string, options?: StopOptions, call?: Call): Promise<void>;
  restart(id: string, options?: StopOptions, call?: Call): Promise<void>;
  /** Default: SIGKILL. @throws EngineError 409 when it does not run. */
  kill(id: string, signal?: string, call?: Call): Promise<void>;
  /** @throws EngineError 409 when it is paused already or does not run. */
  pause(id: string, call?: Call): Promise<void>;
  unpause(id: string, call?: Call): Promise<void>;
  /** Default: not-running, which holds at once for one that does not run. The time-out holds until the engine has begun to wait. */
  wait(id: string, condition?: WaitCondition, call?: Call): Promise<WaitResult>;
  /** `psArgs` as of ps; default -ef. @throws EngineError 409 or 500 when it does not run. */
  top(id: string, psArgs?: string, call?: Call): Promise<Processes>;
}
