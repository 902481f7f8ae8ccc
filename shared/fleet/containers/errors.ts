/** What making a container throws beside what engines do (engine-errors.ts). */
import { GoneError, SealedError } from "../../state/errors.ts";
import { EngineError } from "../engine-errors.ts";

/** The cluster has a container of that name already. Nothing was done. `holder`: its engine's id, or its attempt's while it has none. */
export class NameInUseError extends EngineError {
  override readonly name = "NameInUseError";
  readonly containerName: string;
  readonly holder: string;
  constructor(containerName: string, holder: string) {
    const conflict = `Conflict. The container name "/${containerName}" is already in use by container "${holder}".`;
    super(409, `${conflict} You have to remove (or rename) that container to be able to reuse that name.`);
    this.containerName = containerName;
    this.holder = holder;
  }
}

/** The container's object was taken away or given to another attempt while the engine made it. No container is left. */
export class AttemptOverError extends Error {
  override readonly name = "AttemptOverError";
  constructor(attempt: string) {
    super(`attempt ${attempt} is no longer wanted: its container was removed while it was made`);
  }
}

/** Whether a commit was refused because its cluster was deleted: what was made for it belongs to nobody. */
export const isDeleted = (error: unknown): boolean => error instanceof SealedError || error instanceof GoneError;
