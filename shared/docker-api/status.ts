/**
 * The only place of this room that knows which status an error gets: from whatever was thrown to Docker's `{"message": …}`. What engines
 * refuse keeps their status and words; what is not known here is a bug, whose answer tells nothing of it.
 */

import { errorText } from "../base/error-text.ts";
import { AttemptOverError } from "../fleet/containers/errors.ts";
import {
  EngineAnswerError,
  EngineCutError,
  EngineError,
  EngineTimeoutError,
  EngineUnreachableError,
  TransferFailedError,
} from "../fleet/engine-errors.ts";
import {
  AmbiguousError,
  InvalidOptionError,
  NodeError,
  NodesFailedError,
  NoNodesError,
  TriesExceededError,
} from "../fleet/fleet/errors.ts";
import { EnginesClosedError, NoSuchNodeError } from "../fleet/nodes/errors.ts";
import { NoSuchSecretError, SecretUnreadableError } from "../fleet/secrets/resolver.ts";
import { TooLargeError } from "../log/errors.ts";
import {
  AlreadyExistsError,
  BusyError,
  ConflictError,
  InvalidObjectError,
  NotFoundError,
  OutcomeUnknownError,
  SealedError,
  UnavailableError,
} from "../state/errors.ts";
import { DockerError } from "./errors.ts";
import { type DockerAnswer, type Headers, json } from "./exchange.ts";

export type Failure = {
  readonly status: number;
  readonly message: string;
  readonly headers: Headers;
  /** Whether it is a bug, whose cause belongs into the log. */
  readonly isFault: boolean;
};

type Parts = readonly [status: number, message: string, headers?: Headers];

export function failureOf(error: unknown): Failure {
  const parts = partsOf(error, undefined);
  // What a node's call failed with may be a hook's word, which its caller is to hear, or a bug.
  if (parts === undefined && error instanceof NodeError)
    return { status: 500, message: error.message, headers: {}, isFault: true };
  if (parts === undefined) return { status: 500, message: "internal error", headers: {}, isFault: true };
  const [status, message, headers = {}] = parts;
  return { status, message: message === "" ? `status ${status}` : message, headers, isFault: false };
}

export const failureAnswer = ({ status, message, headers }: Pick<Failure, "status" | "message" | "headers">): DockerAnswer =>
  json({ message }, { status, headers });

/** `nodeName`: where it happened, as far as that is known. */
function partsOf(error: unknown, nodeName: string | undefined): Parts | undefined {
  if (error instanceof DockerError) return [error.status, error.message, error.headers];
  if (error instanceof NodeError) return partsOf(error.cause, error.nodeName);
  return engineParts(error, nodeName) ?? fleetParts(error) ?? storeParts(error);
}

function engineParts(error: unknown, nodeName: string | undefined): Parts | undefined {
  const text = (): string => (nodeName === undefined ? errorText(error) : `node ${nodeName}: ${errorText(error)}`);
  if (error instanceof EngineError) return [error.status, error.message];
  // Nothing was done, or nobody knows: later it may answer.
  if (error instanceof EngineUnreachableError || error instanceof EngineTimeoutError) return [503, text(), retryLater];
  if (error instanceof EngineCutError || error instanceof EngineAnswerError) return [502, text()];
  if (error instanceof TransferFailedError) return [500, text()];
  return undefined;
}

function fleetParts(error: unknown): Parts | undefined {
  if (error instanceof AmbiguousError || error instanceof InvalidOptionError) return [400, error.message];
  if (error instanceof NoNodesError || error instanceof EnginesClosedError) return [503, error.message, retryLater];
  if (error instanceof TriesExceededError) return lastTry(error);
  if (error instanceof NodesFailedError) return allNodes(error);
  if (error instanceof NoSuchNodeError) return [404, error.message];
  if (error instanceof NoSuchSecretError || error instanceof SecretUnreadableError) return [503, error.message, retryLater];
  if (error instanceof AttemptOverError) return [409, error.message];
  return undefined;
}

/** What all nodes refuse alike has their status. */
function allNodes(error: NodesFailedError): Parts {
  const statuses = new Set(error.errors.map((one) => partsOf(one, undefined)?.[0] ?? 500));
  const [status = 500] = statuses;
  return [statuses.size === 1 ? status : 500, error.message];
}

/** An engine's refusal keeps its words; where nodes could not be reached, all are told of. */
function lastTry(error: TriesExceededError): Parts {
  const last = error.tries.at(-1);
  if (last?.cause instanceof EngineError && last.cause.status < 500) return [last.cause.status, last.cause.message];
  return [503, error.message, retryLater];
}

function storeParts(error: unknown): Parts | undefined {
  if (error instanceof UnavailableError || error instanceof BusyError)
    return [503, error.message, { "retry-after": String(error.retryAfterSeconds) }];
  if (error instanceof SealedError) return [503, "the cluster is being replaced", retryLater];
  if (error instanceof ConflictError || error instanceof AlreadyExistsError) return [409, error.message];
  if (error instanceof NotFoundError) return [404, error.message];
  if (error instanceof InvalidObjectError) return [400, error.message];
  if (error instanceof TooLargeError) return [413, error.message];
  if (error instanceof OutcomeUnknownError) return [504, error.message];
  return undefined;
}

const retryLater: Headers = { "retry-after": "1" };
