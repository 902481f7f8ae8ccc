/**
 * What the fleet throws beside what engines do (engine-errors.ts). "No such container", "no such image" and "no such exec" are the
 * engines' own classes in Docker's words, also where it is the store that knows none.
 */
import { errorText } from "../../base/error-text.ts";
import { NameInUseError } from "../containers/errors.ts";
import {
  EngineAnswerError,
  EngineCutError,
  EngineError,
  EngineTimeoutError,
  EngineUnreachableError,
  NoSuchContainerError,
  NoSuchExecError,
  NoSuchImageError,
  TransferFailedError,
} from "../engine-errors.ts";

/** A node's engine failed or refused: the source's DockerNodeError, its BaseError is `cause`. Repeat it or not by the cause's class. */
export class NodeError extends Error {
  override readonly name = "NodeError";
  readonly nodeName: string;
  /** What was asked for, like `start`. */
  readonly command: string;
  override readonly cause: unknown;
  constructor(nodeName: string, command: string, cause: unknown) {
    super(`error in docker node "${nodeName}" running command "${command}": ${errorText(cause)}`, { cause });
    this.nodeName = nodeName;
    this.command = command;
    this.cause = cause;
  }
}

/** An id's beginning that several containers share. Docker answers 400; nothing was done. */
export class AmbiguousError extends Error {
  override readonly name = "AmbiguousError";
  constructor(reference: string) {
    super(`Multiple IDs found with provided prefix: ${reference}`);
  }
}

/** No node takes the container; `reason` tells which rule refused how many. Nothing was done; later there may be one. */
export class NoNodesError extends Error {
  override readonly name: string = "NoNodesError";
  constructor(reason: string) {
    super(reason);
  }
}

/** Others took what was left of the node between its choice and the commit. Nothing was done; another node may have room. */
export class RoomTakenError extends NoNodesError {
  override readonly name = "RoomTakenError";
  constructor(nodeName: string) {
    super(`no suitable node (others took the room on ${nodeName} first)`);
  }
}

/** Every try to create a container failed; `tries` says where and why, `cause` is the last. No container is left. */
export class TriesExceededError extends Error {
  override readonly name = "TriesExceededError";
  readonly tries: readonly NodeError[];
  constructor(tries: readonly NodeError[], then?: unknown) {
    const last = tries.at(-1);
    const text =
      then === undefined
        ? `CreateContainer: maximum number of tries exceeded, last error: ${errorText(last?.cause)}`
        : `CreateContainer: error in scheduler: ${errorText(then)}; last error: ${errorText(last)}`;
    super(text, { cause: last });
    this.tries = tries;
  }
}

/** Some nodes did not do what was asked of all of them; what the others did stays done. Safe to repeat. */
export class NodesFailedError extends Error {
  override readonly name = "NodesFailedError";
  readonly errors: readonly NodeError[];
  /** The names of the nodes that did it. */
  readonly done: readonly string[];
  constructor(command: string, errors: readonly NodeError[], done: readonly string[]) {
    const shown = errors.slice(0, shownMax).map(({ nodeName, cause }) => `${nodeName}: ${errorText(cause)}`);
    const more = errors.length > shownMax ? `; and ${errors.length - shownMax} more` : "";
    super(`${command} failed on ${errors.length} of ${errors.length + done.length} nodes: ${shown.join("; ")}${more}`, {
      cause: errors[0],
    });
    this.errors = errors;
    this.done = done;
  }
}

/** What a caller gave can't be: `field` as the option is called. Nothing was done. */
export class InvalidOptionError extends Error {
  override readonly name = "InvalidOptionError";
  readonly field: string;
  constructor(field: string, problem: string) {
    super(`${field}: ${problem}`);
    this.field = field;
  }
}

/** The fleet is in dry mode already, is not, or has no place for one. Nothing was done. */
export class DryModeError extends Error {
  override readonly name = "DryModeError";
}

/** Errors that a message names; more are counted. */
const shownMax = 5;

/** The engine was not reached or did not answer: the source's network errors. */
export const isNetworkError = (error: unknown): boolean =>
  error instanceof EngineUnreachableError || error instanceof EngineTimeoutError || error instanceof EngineCutError;

/** The engine is at fault, not what it was asked for: not reached, answered nonsense, or failed inside. */
export const isNodeFault = (error: unknown): boolean =>
  isNetworkError(error) || error instanceof EngineAnswerError || (error instanceof EngineError && error.status >= 500);

/** What an engine said, or how it failed; all else is the store's, a secret's or the caller's. */
const isEngines = (error: unknown): boolean =>
  isNodeFault(error) ||
  error instanceof TransferFailedError ||
  (error instanceof EngineError && !(error instanceof NameInUseError));

/** An engine's error with its node's name; any other as it is. */
export const wrapped = (nodeName: string, command: string, error: unknown): unknown =>
  isEngines(error) ? new NodeError(nodeName, command, error) : error;

/** 404 of an engine: what was asked for is not there. */
export const isNotFound = (error: unknown): boolean => error instanceof EngineError && error.status === 404;

export const noSuchContainer = (reference: string): NoSuchContainerError =>
  new NoSuchContainerError(404, `No such container: ${reference}`);
export const noSuchImage = (reference: string): NoSuchImageError => new NoSuchImageError(404, `No such image: ${reference}`);
export const noSuchExec = (id: string): NoSuchExecError => new NoSuchExecError(404, `No such exec instance: ${id}`);
