/** What the store throws. Each says whether something may have been written and whether trying again is safe. */
import type { WindlassObject } from "../kinds/object.ts";

/** A precondition (resourceVersion, uid) did not hold. Nothing was written. Read `current`, decide again, then try again. */
export class ConflictError extends Error {
  override readonly name = "ConflictError";
  readonly key: string;
  readonly current: WindlassObject;
  /** What was asked for and did not hold. */
  readonly wanted: { readonly resourceVersion?: string; readonly uid?: string };
  constructor(key: string, current: WindlassObject, wanted: { readonly resourceVersion?: string; readonly uid?: string }) {
    const { resourceVersion, uid } = current.metadata;
    const said =
      wanted.uid !== undefined && wanted.uid !== uid
        ? `its uid is ${uid}, not ${wanted.uid}`
        : `its resourceVersion is ${resourceVersion}, not ${wanted.resourceVersion}`;
    super(`${key} is not as expected: ${said}`);
    this.key = key;
    this.current = current;
    this.wanted = wanted;
  }
}

/** A create met an object of that name. Nothing was written. */
export class AlreadyExistsError extends Error {
  override readonly name = "AlreadyExistsError";
  readonly key: string;
  readonly current: WindlassObject;
  constructor(key: string, current: WindlassObject) {
    super(`${key} already exists`);
    this.key = key;
    this.current = current;
  }
}

/** An update or a delete named an object that is not there. Nothing was written. */
export class NotFoundError extends Error {
  override readonly name = "NotFoundError";
  readonly key: string;
  constructor(key: string) {
    super(`${key} does not exist`);
    this.key = key;
  }
}

/** A name can't be a key, or a field that the store owns is not right. Nothing was written; trying again is useless. */
export class InvalidObjectError extends Error {
  override readonly name = "InvalidObjectError";
  readonly field: string;
  constructor(field: string, message: string) {
    super(`${field}: ${message}`);
    this.field = field;
  }
}

/** The selector is not one of this table's, as swarmkit's ErrInvalidFindBy. */
export class InvalidSelectorError extends Error {
  override readonly name = "InvalidSelectorError";
}

/** The revision lies below what the log still has, or belongs to another life of the cluster. List afresh. */
export class GoneError extends Error {
  override readonly name = "GoneError";
  readonly revision: number;
  constructor(revision: number, why: string) {
    super(`revision ${revision} can't be continued: ${why}`);
    this.revision = revision;
  }
}

/** The cluster was deleted: its log is sealed. Nothing was written; resolve its name again. */
export class SealedError extends Error {
  override readonly name = "SealedError";
  constructor(uid: string) {
    super(`cluster ${uid} was deleted`);
  }
}

/** Others won too often. Nothing was written; try again after `retryAfterSeconds`. */
export class BusyError extends Error {
  override readonly name = "BusyError";
  readonly retryAfterSeconds = 1;
}

/** A bound of the cluster's quotas that a write would go beyond. */
export type Excess = {
  readonly resource: "objects" | "bytes";
  readonly requested: number;
  readonly used: number;
  readonly limited: number;
};

/** A write that is held to the cluster's quotas would go beyond one. Nothing was written; trying again helps when something has gone. */
export class QuotaExceededError extends Error {
  override readonly name = "QuotaExceededError";
  /** The object whose write it was. */
  readonly key: string;
  readonly excess: Excess;
  constructor(key: string, excess: Excess) {
    const { resource, requested, used, limited } = excess;
    super(
      `exceeded quota: cluster, requested: ${resource}=${requested}, used: ${resource}=${used}, limited: ${resource}=${limited}`,
    );
    this.key = key;
    this.excess = excess;
  }
}

/** The store can't take more now (derived state lags, throttling, too many waiting). Nothing was written; try again later. */
export class UnavailableError extends Error {
  override readonly name = "UnavailableError";
  readonly retryAfterSeconds = 1;
}

/** No clear answer came in time: the transaction was committed wholly or not at all. Read before trying again. */
export class OutcomeUnknownError extends Error {
  override readonly name = "OutcomeUnknownError";
  readonly revision: number;
  constructor(revision: number, cause?: unknown) {
    super(`whether the transaction was committed at revision ${revision} is unknown`, { cause });
    this.revision = revision;
  }
}

/** A step of a batch failed; those before it may have been committed: `committed` of them were. */
export class BatchError extends Error {
  override readonly name = "BatchError";
  readonly committed: number;
  constructor(committed: number, cause: unknown) {
    super(`a batch failed after ${committed} committed steps: ${cause instanceof Error ? cause.message : String(cause)}`, {
      cause,
    });
    this.committed = committed;
  }
}
