/** What somebody's failed call tells of a node: whether it was reached at all, and in which words. */
import type { Node } from "../../kinds/node.ts";
import { EngineCutError, EngineTimeoutError, EngineUnreachableError } from "../engine-errors.ts";
import type { Report } from "./health.ts";

/** Errors that wrap an engine's, one in the other. */
const causesMax = 4;
/** Of an error's words; they end in a cell and in an object. */
const errorCharactersMax = 500;

/** The engine did not answer, or not to the end. */
export function isUnreached(error: unknown): boolean {
  let current = error;
  for (let depth = 0; depth < causesMax && current instanceof Error; depth += 1) {
    const isSilent = [EngineUnreachableError, EngineTimeoutError, EngineCutError].some((Silent) => current instanceof Silent);
    if (isSilent) return true;
    current = current.cause;
  }
  return false;
}

export function reportOf(
  { spec: { address } }: Node,
  error: unknown,
  { counts, atMs }: { readonly counts: boolean; readonly atMs: number },
): Report {
  const isSilent = isUnreached(error);
  const text = error instanceof Error ? error.message : String(error);
  return {
    address,
    atMs,
    error: text.slice(0, errorCharactersMax),
    probes: 0,
    silences: isSilent ? 1 : 0,
    calls: isSilent ? 0 : 1,
    counted: counts ? 1 : 0,
  };
}

/** A failed probe always counts. */
export const probeReport = ({ spec: { address } }: Node, error: string, atMs: number): Report => ({
  address,
  atMs,
  error: error.slice(0, errorCharactersMax),
  probes: 1,
  silences: 0,
  calls: 0,
  counted: 1,
});
