/** Several entries folded into one write a key, as the rows need them (DESIGN section 1, rule 7). */
import type { Entry, RowWrite } from "./ports.ts";

/**
 * What `entries` (dense, in order) come to, one write a key, in the order of first touch. A create somewhere in the run stays a
 * create, for only that may be written over nothing; what ends deleted is a delete, so that a tombstone stands against late writes.
 */
export function fold(entries: readonly Entry[]): RowWrite[] {
  const writes = new Map<string, RowWrite>();
  for (const { revision, changes } of entries) {
    for (const change of changes) {
      const { key } = change;
      if (change.action === "delete") {
        writes.set(key, { action: "delete", key, revision });
        continue;
      }
      const before = writes.get(key)?.action;
      // A delete folded away before a create leaves nothing to update: the create must be able to stand alone.
      const action = change.action === "create" || before === "create" ? "create" : "update";
      writes.set(key, { action, key, revision, value: change.value });
    }
  }
  return [...writes.values()];
}
