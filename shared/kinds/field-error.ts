/**
 * What is wrong with one field of a body: the cause of a 422, in Kubernetes' words, so that kubectl and people read it as they know it.
 * `field` is a path as Kubernetes writes it: `spec.template.spec.ports[0].containerPort`, and `spec.env[A.B]` for a map's odd key.
 */
export type FieldErrorType =
  | "FieldValueInvalid"
  | "FieldValueTypeInvalid"
  | "FieldValueRequired"
  | "FieldValueNotSupported"
  | "FieldValueForbidden"
  | "FieldValueDuplicate"
  | "FieldValueTooLong"
  | "FieldValueTooMany";

export type FieldError = {
  readonly field: string;
  /** Without the field's name: `Invalid value: "A": a lowercase RFC 1123 …`. */
  readonly message: string;
  /** Kubernetes' CauseType: the `reason` of a Status cause. */
  readonly type: FieldErrorType;
  readonly value?: unknown;
};

/** A value longer than this is cut in messages: they go into answers and logs. */
const shownCharactersMax = 256;

export const invalid = (field: string, value: unknown, detail: string): FieldError => ({
  field,
  message: `Invalid value: ${shown(value)}: ${detail}`,
  type: "FieldValueInvalid",
  value,
});

export const typeInvalid = (field: string, value: unknown, expected: string): FieldError => ({
  field,
  message: `Invalid value: ${shown(value)}: must be of type ${expected}`,
  type: "FieldValueTypeInvalid",
  value,
});

/** `detail` may be empty. */
export const required = (field: string, detail = ""): FieldError => ({
  field,
  message: detail === "" ? "Required value" : `Required value: ${detail}`,
  type: "FieldValueRequired",
});

export const notSupported = (field: string, value: unknown, supported: readonly unknown[]): FieldError => ({
  field,
  message: `Unsupported value: ${shown(value)}: supported values: ${supported.map(shown).join(", ")}`,
  type: "FieldValueNotSupported",
  value,
});

export const forbidden = (field: string, detail: string): FieldError => ({
  field,
  message: `Forbidden: ${detail}`,
  type: "FieldValueForbidden",
});

export const tooLong = (field: string, max: number, unit: "bytes" | "characters"): FieldError => ({
  field,
  message: `Too long: may not be more than ${max} ${unit}`,
  type: "FieldValueTooLong",
});

export const tooMany = (field: string, count: number, max: number): FieldError => ({
  field,
  message: `Too many: ${count}: must have at most ${max} items`,
  type: "FieldValueTooMany",
  value: count,
});

/** The path of a part of `parent`; a key that is no plain word stands in brackets, as Kubernetes writes map keys. */
export function fieldPath(parent: string, part: PropertyKey): string {
  if (typeof part === "number") return `${parent}[${part}]`;
  const key = String(part);
  if (!/^[A-Za-z_$][\w$-]*$/.test(key)) return `${parent}[${key}]`;
  return parent === "" ? key : `${parent}.${key}`;
}

function shown(value: unknown): string {
  // A body has no undefined; a foreign schema's own check may report one.
  const text = JSON.stringify(value) ?? "null";
  return text.length <= shownCharactersMax ? text : `${text.slice(0, shownCharactersMax)}…`;
}
