/**
 * What an engine's calls throw. `mayHaveHappened` says whether the engine may have done what it was asked for; every call of the port
 * is harmless done twice, so a caller may always repeat one that failed. No message holds a secret.
 */
import { errorText } from "../base/error-text.ts";

/** No connection, or one that broke before the answer began. */
export class EngineUnreachableError extends Error {
  override readonly name = "EngineUnreachableError";
  readonly address: string;
  readonly mayHaveHappened: boolean;
  constructor(address: string, { cause, mayHaveHappened }: { readonly cause: unknown; readonly mayHaveHappened: boolean }) {
    super(`engine ${address} can't be reached: ${errorText(cause)}`, { cause });
    this.address = address;
    this.mayHaveHappened = mayHaveHappened;
  }
}

/** No connection or no answer in time, or a stream that was silent for too long. */
export class EngineTimeoutError extends Error {
  override readonly name = "EngineTimeoutError";
  readonly address: string;
  readonly timeoutMs: number;
  readonly mayHaveHappened = true;
  constructor(address: string, what: string, timeoutMs: number) {
    super(`engine ${address}: ${what} took over ${timeoutMs} ms`);
    this.address = address;
    this.timeoutMs = timeoutMs;
  }
}

/** The connection ended in the middle of an answer or a stream. */
export class EngineCutError extends Error {
  override readonly name = "EngineCutError";
  readonly address: string;
  readonly mayHaveHappened = true;
  constructor(address: string, what: string, cause?: unknown) {
    super(`engine ${address}: ${what} ended in the middle`, { cause });
    this.address = address;
  }
}

/** The engine's answer is not what Docker's API says, or is larger than taken: a lie, a proxy, another service. */
export class EngineAnswerError extends Error {
  override readonly name = "EngineAnswerError";
  readonly address: string;
  readonly mayHaveHappened = true;
  constructor(address: string, what: string, problem: string) {
    super(`engine ${address}: the answer to ${what} can't be used: ${problem}`);
    this.address = address;
  }
}

/** A transfer (pull, push, build, import, load) began and then failed, in the engine's words. */
export class TransferFailedError extends Error {
  override readonly name = "TransferFailedError";
}

/** The engine refused, in its words. `status`: HTTP's. A 5xx may have happened, a 4xx did not. */
export class EngineError extends Error {
  override readonly name: string = "EngineError";
  readonly status: number;
  readonly mayHaveHappened: boolean;
  constructor(status: number, message: string) {
    super(message);
    this.status = status;
    this.mayHaveHappened = status >= 500;
  }
}

export class NoSuchContainerError extends EngineError {
  override readonly name = "NoSuchContainerError";
}

export class NoSuchImageError extends EngineError {
  override readonly name = "NoSuchImageError";
}

export class NoSuchExecError extends EngineError {
  override readonly name = "NoSuchExecError";
}

export class NoSuchNetworkError extends EngineError {
  override readonly name = "NoSuchNetworkError";
}

export class NoSuchVolumeError extends EngineError {
  override readonly name = "NoSuchVolumeError";
}

/** Another container of the engine has that name. `holder`: its id, where the engine told. */
export class NameTakenError extends EngineError {
  override readonly name = "NameTakenError";
  readonly holder: string | undefined;
  constructor(message: string, holder?: string) {
    super(409, message);
    this.holder = holder;
  }
}

/** Characters of an engine's own words: a runtime's longest have some thousand, and they end in objects. */
export const messageCharactersMax = 16 * 1024;

/** The class that fits what the engine said; its messages, not only its status, tell what was not found. */
export function refusal(status: number, said: string): EngineError {
  const message = said.slice(0, messageCharactersMax);
  if (status === 409 && /name .* is already in use/i.test(message)) {
    return new NameTakenError(message, /by container "?([0-9a-f]{12,64})/.exec(message)?.[1]);
  }
  const Found = status === 404 ? notFound.find(([pattern]) => pattern.test(message))?.[1] : undefined;
  return Found === undefined ? new EngineError(status, message) : new Found(status, message);
}

const notFound: readonly (readonly [RegExp, new (status: number, message: string) => EngineError])[] = [
  [/no such exec/i, NoSuchExecError],
  [/no such volume/i, NoSuchVolumeError],
  [/no such image|reference does not exist/i, NoSuchImageError],
  [/no such container/i, NoSuchContainerError],
  [/^network \S+ not found|no such network/i, NoSuchNetworkError],
];
