/** The part of the Engine port that runs further commands in a container. */
import type { Duplex } from "node:stream";
import type { Call } from "./call.ts";
import type { Answer } from "./json.ts";
import type { TerminalSize } from "./streams.ts";

/** The body of Docker's exec create. */
export type ExecCreate = Answer<{
  readonly Cmd: readonly string[];
  readonly AttachStdin?: boolean;
  readonly AttachStdout?: boolean;
  readonly AttachStderr?: boolean;
  readonly Tty?: boolean;
  readonly Env?: readonly string[];
  readonly User?: string;
  readonly WorkingDir?: string;
  readonly Privileged?: boolean;
}>;

export type ExecDetails = Answer<{
  readonly ID: string;
  readonly ContainerID: string;
  readonly Running: boolean;
  /** null until it has ended. */
  readonly ExitCode: number | null;
}>;

export interface EngineExecs {
  /** @throws NoSuchContainerError; EngineError 409 when it does not run or is paused. */
  create(containerId: string, body: ExecCreate, call?: Call): Promise<{ readonly Id: string }>;
  /**
   * Both ways; `end()` closes stdin only. `tty` as at its creation. One that ran already: EngineError, or text in the stream, by
   * the engine's version. @throws NoSuchExecError
   */
  start(id: string, options?: { readonly tty?: boolean }, call?: Call): Promise<Duplex>;
  /** Runs it, and nobody listens. @throws NoSuchExecError */
  startDetached(id: string, call?: Call): Promise<void>;
  /** @throws NoSuchExecError: also some time after it ended, or with its container. */
  inspect(id: string, call?: Call): Promise<ExecDetails>;
  /** @throws NoSuchExecError; EngineError when it does not run. */
  resize(id: string, size: TerminalSize, call?: Call): Promise<void>;
}
