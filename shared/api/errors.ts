/**
 * What this room refuses by itself, as one error that carries a typed refusal. What other rooms throw (state/errors.ts,
 * log/errors.ts) passes through unchanged; status.ts alone turns either into an answer.
 */
import type { KindDefinition } from "../kinds/definition.ts";
import type { FieldError } from "../kinds/field-error.ts";

/** As a Status shows it. */
export type ConflictCause = { readonly reason: string; readonly message: string; readonly field: string };

export type Refusal =
  | { readonly kind: "badRequest"; readonly message: string }
  | { readonly kind: "tooManyRequests"; readonly message: string }
  | { readonly kind: "unauthorized" }
  | { readonly kind: "forbidden"; readonly message: string; readonly resource?: string; readonly name?: string }
  /** An object that is not there. `resource` is its kind as in paths, `group` its API group where it is not ours: "" is the core's. */
  | { readonly kind: "notFound"; readonly resource: string; readonly name: string; readonly group?: string }
  /** One that is there already, though no log holds it. */
  | { readonly kind: "alreadyExists"; readonly resource: string; readonly name: string; readonly group: string }
  /** A path that nothing answers to. */
  | { readonly kind: "noRoute" }
  | { readonly kind: "methodNotAllowed"; readonly allowed: readonly string[]; readonly why?: string }
  | { readonly kind: "notAcceptable"; readonly supported: readonly string[] }
  | { readonly kind: "unsupportedMediaType"; readonly supported: readonly string[]; readonly why?: string }
  | { readonly kind: "bodyTooLarge"; readonly bytesMax: number }
  /** What a body asks for, not the body itself. */
  | { readonly kind: "tooLarge"; readonly message: string }
  /** `of` is a kind as in `kind:`. */
  | { readonly kind: "invalid"; readonly of: string; readonly name: string; readonly errors: readonly FieldError[] }
  /** The object is not as the write needs it; `causes` field by field. */
  | { readonly kind: "conflict"; readonly message: string; readonly causes: readonly ConflictCause[] }
  /** A revision or a continue token that can't be continued: list afresh, or go on with `continue` in the newest state. */
  | { readonly kind: "expired"; readonly message: string; readonly continue?: string }
  | { readonly kind: "unavailable"; readonly message: string; readonly cause?: unknown };

/** Nothing was written. Trying the same again is useless but where the refusal is `unavailable`. */
export class RefusedError extends Error {
  override readonly name = "RefusedError";
  readonly refusal: Refusal;
  constructor(refusal: Refusal) {
    super("message" in refusal ? refusal.message : refusal.kind, "cause" in refusal ? { cause: refusal.cause } : undefined);
    this.refusal = refusal;
  }
}

export const badRequest = (message: string): RefusedError => new RefusedError({ kind: "badRequest", message });

export const notFound = ({ plural }: Pick<KindDefinition, "plural">, name: string): RefusedError =>
  new RefusedError({ kind: "notFound", resource: plural, name });

export const conflict = (message: string, causes: readonly ConflictCause[]): RefusedError =>
  new RefusedError({ kind: "conflict", message, causes });

export const invalid = (of: string, name: string, errors: readonly FieldError[]): RefusedError =>
  new RefusedError({ kind: "invalid", of, name, errors });
