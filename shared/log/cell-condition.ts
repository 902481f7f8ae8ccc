/** The conditions of a put to a cell, for adapters that judge them themselves. */
import type { Cell, CellPut } from "./ports.ts";

/** Whether `when` holds for what is there. */
export function holds(when: CellPut["when"], there: Cell | undefined): boolean {
  if (when === "absent") return there === undefined;
  if ("version" in when) return there?.version === when.version;
  return there?.expires !== undefined && there.expires <= when.expiredAt;
}
