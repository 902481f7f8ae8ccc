/** From a schema's issues (zod's) to field errors: the one place that knows both. Parse with `reportInput: true`. */
import type { z } from "zod";
import { type FieldError, fieldPath, invalid, notSupported, required, tooLong, tooMany, typeInvalid } from "./field-error.ts";

type Issue = z.core.$ZodIssue;

/** Zod's names of types, where OpenAPI's are others. */
const typeNames: Readonly<Record<string, string>> = { int: "integer", record: "object", nonoptional: "value" };

/** The errors that `issues` of a value at `field` mean. */
export const issueErrors = (field: string, issues: readonly Issue[]): FieldError[] =>
  issues.flatMap((issue) => issueError(field, issue));

function issueError(parent: string, issue: Issue): FieldError[] {
  const field = issue.path.reduce<string>(fieldPath, parent);
  if (issue.input === undefined && (issue.code === "invalid_type" || issue.code === "invalid_value")) return [required(field)];
  switch (issue.code) {
    case "invalid_type":
      return [typeInvalid(field, issue.input, typeNames[issue.expected] ?? issue.expected)];
    case "invalid_value":
      return [notSupported(field, issue.input, issue.values.map(String))];
    case "too_big":
      return [tooBig(field, issue)];
    case "too_small":
      return [invalid(field, issue.input, tooSmallText(issue))];
    case "invalid_key":
      return [
        invalid(
          issue.path.slice(0, -1).reduce<string>(fieldPath, parent),
          issue.input,
          issue.issues[0]?.message ?? issue.message,
        ),
      ];
    case "unrecognized_keys":
      return issue.keys.map((key) => invalid(fieldPath(field, key), key, "unknown field"));
    default:
      return [invalid(field, issue.input, issue.message)];
  }
}

function tooBig(field: string, issue: z.core.$ZodIssueTooBig): FieldError {
  const max = Number(issue.maximum);
  if (issue.origin === "string") return tooLong(field, max, "characters");
  if (issue.origin === "array") return tooMany(field, Array.isArray(issue.input) ? issue.input.length : max + 1, max);
  return invalid(field, issue.input, `must be less than ${issue.inclusive === false ? "" : "or equal to "}${max}`);
}

function tooSmallText(issue: z.core.$ZodIssueTooSmall): string {
  if (issue.origin === "string") return `must have at least ${issue.minimum} characters`;
  if (issue.origin === "array") return `must have at least ${issue.minimum} items`;
  return `must be greater than ${issue.inclusive === false ? "" : "or equal to "}${issue.minimum}`;
}
