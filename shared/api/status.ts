/**
 * The only place that knows status codes: from whatever was thrown to Kubernetes' Status (apimachinery, api/errors, whose texts
 * and reasons clients compare). What is not known here is a bug: its answer tells nothing of it, and the caller logs it.
 */

import type { Json, JsonObject } from "../base/json.ts";
import { type ApiResponse, respond } from "../http/exchange.ts";
import type { FieldError } from "../kinds/field-error.ts";
import { group, type Metadata } from "../kinds/object.ts";
import { TooLargeError } from "../log/errors.ts";
import {
  AlreadyExistsError,
  BusyError,
  ConflictError,
  GoneError,
  InvalidObjectError,
  InvalidSelectorError,
  NotFoundError,
  OutcomeUnknownError,
  QuotaExceededError,
  SealedError,
  UnavailableError,
} from "../state/errors.ts";
import { type Refusal, RefusedError } from "./errors.ts";
import { quotaRefusal } from "./quotas.ts";

export const statusCodes = { ok: 200, created: 201, accepted: 202, notModified: 304 } as const;

export type Failure = {
  readonly code: number;
  readonly status: JsonObject;
  /** Beside the content type. */
  readonly headers: Readonly<Record<string, string>>;
  /** Whether it is the server's fault, so that its cause belongs into the log. */
  readonly isFault: boolean;
};

type Parts = {
  readonly code: number;
  readonly reason: string;
  readonly message: string;
  readonly details?: JsonObject;
  /** Of a list: its continue token. */
  readonly metadata?: JsonObject;
  readonly headers?: Readonly<Record<string, string>>;
  readonly isFault?: boolean;
};

const jsonHeaders = { "content-type": "application/json", "cache-control": "no-cache, private" } as const;
/** A Status names no more causes; the message names as many. */
const causesMax = 50;

export function failureOf(error: unknown): Failure {
  const { code, reason, message, details, metadata = {}, headers = {}, isFault = false } = partsOf(error);
  const status = {
    kind: "Status",
    apiVersion: "v1",
    metadata,
    status: "Failure",
    message,
    reason,
    ...(details !== undefined && { details }),
    code,
  };
  return { code, status, headers, isFault };
}

export function failureResponse({ code, status, headers }: Failure): ApiResponse {
  return respond(JSON.stringify(status), { status: code, headers: { ...jsonHeaders, ...headers } });
}

/** Of a deletion that is done. */
export const deletedStatus = (
  plural: string,
  { metadata }: { readonly metadata: Pick<Metadata, "name" | "uid"> },
  of: string = group,
): JsonObject => ({
  kind: "Status",
  apiVersion: "v1",
  metadata: {},
  status: "Success",
  details: { name: metadata.name, ...(of !== "" && { group: of }), kind: plural, uid: metadata.uid },
});

function partsOf(error: unknown): Parts {
  if (error instanceof RefusedError) return refusedParts(error.refusal);
  if (error instanceof NotFoundError) return notFoundParts(resourceOf(error.key), nameOf(error.key));
  if (error instanceof AlreadyExistsError) return alreadyExistsParts(error);
  if (error instanceof ConflictError) return conflictParts(error);
  if (error instanceof QuotaExceededError) return refusedParts(quotaRefusal(error).refusal);
  if (error instanceof InvalidObjectError) return invalidObjectParts(error);
  if (error instanceof InvalidSelectorError) return badRequestParts(error.message);
  if (error instanceof TooLargeError) return tooLargeParts(`Request entity too large: ${error.message}`);
  if (error instanceof GoneError) return expiredParts(`too old resource version: ${error.message}`);
  if (error instanceof BusyError) return retryParts(429, "TooManyRequests", error.message, error.retryAfterSeconds);
  if (error instanceof UnavailableError) return unavailableParts(error.message, error.retryAfterSeconds);
  if (error instanceof SealedError) return unavailableParts("the cluster is being replaced", 1);
  if (error instanceof OutcomeUnknownError)
    return { code: 504, reason: "Timeout", message: `Timeout: ${error.message}`, details: { group } };
  return internalParts;
}

const internalParts: Parts = { code: 500, reason: "InternalError", message: "Internal error occurred", isFault: true };

function refusedParts(refusal: Refusal): Parts {
  switch (refusal.kind) {
    case "badRequest":
      return badRequestParts(refusal.message);
    case "tooManyRequests":
      return retryParts(429, "TooManyRequests", refusal.message, 1);
    case "unauthorized":
      return {
        code: 401,
        reason: "Unauthorized",
        message: "Unauthorized",
        headers: { "www-authenticate": 'Bearer realm="windlass"' },
      };
    case "forbidden":
      return { code: 403, reason: "Forbidden", message: refusal.message, details: subject(refusal.resource, refusal.name) };
    case "notFound":
      return notFoundParts(refusal.resource, refusal.name, refusal.group);
    case "alreadyExists":
      return takenParts(refusal.resource, refusal.name, refusal.group);
    case "noRoute":
      return { code: 404, reason: "NotFound", message: "the server could not find the requested resource", details: {} };
    case "methodNotAllowed":
      return {
        code: 405,
        reason: "MethodNotAllowed",
        message: `the server does not allow this method on the requested resource${refusal.why === undefined ? "" : `: ${refusal.why}`}`,
        details: {},
        headers: { allow: refusal.allowed.join(", ") },
      };
    case "notAcceptable":
      return {
        code: 406,
        reason: "NotAcceptable",
        message: `only the following media types are accepted: ${refusal.supported.join(", ")}`,
      };
    case "unsupportedMediaType":
      return {
        code: 415,
        reason: "UnsupportedMediaType",
        message: `the body of the request was in an unknown format - accepted media types include: ${refusal.supported.join(", ")}${refusal.why === undefined ? "" : `: ${refusal.why}`}`,
      };
    case "bodyTooLarge":
      return tooLargeParts(`Request entity too large: limit is ${refusal.bytesMax} bytes`);
    case "tooLarge":
      return tooLargeParts(refusal.message);
    case "invalid":
      return invalidParts(refusal.of, refusal.name, refusal.errors);
    case "conflict":
      return { code: 409, reason: "Conflict", message: refusal.message, details: { causes: refusal.causes } };
    case "expired":
      return {
        ...expiredParts(refusal.message),
        ...(refusal.continue !== undefined && { metadata: { continue: refusal.continue } }),
      };
    case "unavailable":
      return { ...unavailableParts(refusal.message, 1), isFault: true };
    default:
      return refusal satisfies never;
  }
}

const badRequestParts = (message: string): Parts => ({ code: 400, reason: "BadRequest", message });
/** 410. Kubernetes' newer reason for what clients know as gone: list afresh. */
const expiredParts = (message: string): Parts => ({ code: 410, reason: "Expired", message });
const tooLargeParts = (message: string): Parts => ({ code: 413, reason: "RequestEntityTooLarge", message });

function notFoundParts(resource: string, name: string, of: string = group): Parts {
  const message = `${qualified(resource, of)} "${name}" not found`;
  return { code: 404, reason: "NotFound", message, details: { name, group: of, kind: resource } };
}

function alreadyExistsParts({ key, current }: AlreadyExistsError): Parts {
  const parts = takenParts(resourceOf(key), nameOf(key), group);
  if (current.metadata.deletionTimestamp === undefined) return parts;
  return { ...parts, message: `object is being deleted: ${parts.message}` };
}

function takenParts(resource: string, name: string, of: string): Parts {
  const message = `${qualified(resource, of)} "${name}" already exists`;
  return { code: 409, reason: "AlreadyExists", message, details: { name, group: of, kind: resource } };
}

/** As Kubernetes writes a kind or a resource with its group; the core's is "". */
const qualified = (name: string, of: string): string => (of === "" ? name : `${name}.${of}`);

function conflictParts({ key, current, wanted }: ConflictError): Parts {
  const [resource, name] = [resourceOf(key), nameOf(key)];
  const why =
    wanted.uid === undefined
      ? "the object has been modified; please apply your changes to the latest version and try again"
      : `Precondition failed: UID in precondition: ${wanted.uid}, UID in object meta: ${current.metadata.uid}`;
  return {
    code: 409,
    reason: "Conflict",
    message: `Operation cannot be fulfilled on ${resource}.${group} "${name}": ${why}`,
    details: { name, group, kind: resource },
  };
}

/** Groups of kinds that are not ours. */
const foreignKinds: ReadonlyMap<string, string> = new Map([
  ["ListOptions", "meta.k8s.io"],
  ["DeleteOptions", "meta.k8s.io"],
  ["PatchOptions", "meta.k8s.io"],
  ["Event", ""],
]);

/** The store's own word on a field; its message begins with the field's name. */
function invalidObjectParts({ field, message }: InvalidObjectError): Parts {
  const cause: FieldError = { field, message: message.slice(field.length + 2), type: "FieldValueInvalid" };
  return invalidParts("Object", "", [cause]);
}

function invalidParts(of: string, name: string, errors: readonly FieldError[]): Parts {
  const texts = errors.slice(0, causesMax).map(({ field, message }) => (field === "" ? message : `${field}: ${message}`));
  const causes = errors.slice(0, causesMax).map(({ field, message, type }): Json => ({ reason: type, message, field }));
  const listed = texts.length === 1 ? texts[0] : `[${texts.join(", ")}]`;
  const subjectGroup = foreignKinds.get(of) ?? group;
  return {
    code: 422,
    reason: "Invalid",
    message: `${qualified(of, subjectGroup)} "${name}" is invalid: ${listed}`,
    details: { ...(name !== "" && { name }), group: subjectGroup, kind: of, causes },
  };
}

const unavailableParts = (message: string, seconds: number): Parts => retryParts(503, "ServiceUnavailable", message, seconds);

function retryParts(code: number, reason: string, message: string, retryAfterSeconds: number): Parts {
  return { code, reason, message, details: { retryAfterSeconds }, headers: { "retry-after": String(retryAfterSeconds) } };
}

function subject(resource: string | undefined, name: string | undefined): JsonObject {
  if (resource === undefined) return {};
  return { ...(name !== undefined && { name }), group, kind: resource };
}

/** Keys are `plural/name` and `plural/namespace/name`. */
const resourceOf = (key: string): string => key.slice(0, key.indexOf("/"));
const nameOf = (key: string): string => key.slice(key.lastIndexOf("/") + 1);
