/** What the query of a write says about how it is done: Kubernetes' CreateOptions, UpdateOptions and PatchOptions. */
import { notSupported } from "../kinds/field-error.ts";
import { checkManager, managerOfUserAgent } from "./apply/manager-name.ts";
import type { Call } from "./call.ts";
import { invalid } from "./errors.ts";

/** What becomes of fields that a kind does not know: refused, warned of (the default), or dropped in silence. */
export type FieldValidation = "Strict" | "Warn" | "Ignore";

export type WriteOptions = {
  /** Everything happens but the commit. */
  readonly dryRun: boolean;
  readonly fieldValidation: FieldValidation;
  /** Who writes, for managed fields: what the query says, or the User-Agent. */
  readonly fieldManager: string;
};

const validations: readonly FieldValidation[] = ["Ignore", "Warn", "Strict"];

/** @throws RefusedError when a value is not one that Kubernetes knows. */
export function writeOptions(
  { query, request }: Pick<Call, "query" | "request">,
  of: "CreateOptions" | "UpdateOptions" | "PatchOptions",
): WriteOptions {
  const dryRun = parseDryRun(query("dryRun"), of);
  const wanted = query("fieldValidation") || "Warn";
  const fieldValidation = validations.find((each) => each === wanted);
  if (fieldValidation === undefined) throw invalid(of, "", [notSupported("fieldValidation", wanted, validations)]);
  const manager = query("fieldManager") || managerOfUserAgent(request.header("user-agent"));
  const errors = checkManager(manager, "fieldManager");
  if (errors.length > 0) throw invalid(of, "", errors);
  return { dryRun, fieldValidation, fieldManager: manager };
}

/** `of`: the options' kind, for the refusal. */
export function parseDryRun(text: string | undefined, of: string): boolean {
  if (text === undefined || text === "") return false;
  if (text !== "All") throw invalid(of, "", [notSupported("dryRun", text, ["All"])]);
  return true;
}
