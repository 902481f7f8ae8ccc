/**
 * The code under test: as it is, with small limits (so that few entries reach what takes thousands), or with a rule broken. The last
 * two are copies of the rooms it needs, in a temporary folder, each edit replacing one exact snippet.
 */
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";

type StoreModule = typeof import("../../shared/state/store.ts");
type PublisherModule = typeof import("../../shared/state/publisher.ts");
type StripperModule = typeof import("../../shared/state/stripper.ts");
type LimitsModule = typeof import("../../shared/base/limits.ts");

export type Code = {
  readonly Store: StoreModule["Store"];
  readonly Publisher: PublisherModule["Publisher"];
  readonly Stripper: StripperModule["Stripper"];
  readonly limits: LimitsModule;
};

/** What of the limits a run is held to. */
export type Limits = Pick<LimitsModule, "lagEntriesMax" | "objectBytesMax" | "entryChangesMax">;

/** Replaces `find`, which stands in `file` (of shared/) exactly once. */
export type Edit = { readonly file: string; readonly find: string; readonly put: string };

const shared = resolve(import.meta.dirname, "../../shared");
const rooms = [
  "base",
  "kinds",
  "log/memory",
  "log/cell-condition.ts",
  "log/codec.ts",
  "log/errors.ts",
  "log/fold.ts",
  "log/key-order.ts",
  "log/ports.ts",
  "state",
];

/** Reached within a run of some dozen entries. */
export const smallLimits: readonly Edit[] = [
  { file: "base/limits.ts", find: "entryChangesMax = 200", put: "entryChangesMax = 6" },
  { file: "base/limits.ts", find: "objectBytesMax = 128 * 1024", put: "objectBytesMax = 700" },
  { file: "base/limits.ts", find: "lagEntriesMax = 5_000", put: "lagEntriesMax = 9" },
  { file: "base/limits.ts", find: "appliedRecheckRevisions = 500", put: "appliedRecheckRevisions = 3" },
  { file: "base/limits.ts", find: "replicaBehindBytesMax = 2 * 1024 * 1024", put: "replicaBehindBytesMax = 3_000" },
  { file: "base/limits.ts", find: "readEntriesMax = 1_000", put: "readEntriesMax = 3" },
  { file: "base/limits.ts", find: "watchQueueMax = 10_000", put: "watchQueueMax = 7" },
  { file: "base/limits.ts", find: "commitLossesMax = 200", put: "commitLossesMax = 3" },
  { file: "state/replica.ts", find: "pageRows = 1_000", put: "pageRows = 2" },
  { file: "state/replica.ts", find: "readsAtOnce = 32", put: "readsAtOnce = 1" },
  { file: "state/table.ts", find: "absentKeysMax = 10_000", put: "absentKeysMax = 2" },
  { file: "state/stripper.ts", find: "stepEntries = 100", put: "stepEntries = 3" },
  { file: "state/publisher.ts", find: "roundsMax = 20", put: "roundsMax = 2" },
  { file: "state/batch.ts", find: "stepsMax = 1_000", put: "stepsMax = 3" },
];

/** The code with `edits` made; `close` removes the copy. */
export async function loadCode(edits: readonly Edit[]): Promise<{ code: Code; close: () => void }> {
  const { root, close } = copyRooms(rooms, edits);
  try {
    return { code: await importFrom(root), close };
  } catch (error) {
    close();
    throw error;
  }
}

/** Where shared/ is with `edits` made: a copy of these of its rooms, until `close`. Without edits it is shared/ itself. */
export function copyRooms(
  names: readonly string[],
  edits: readonly Edit[],
): { readonly root: string; readonly close: () => void } {
  if (edits.length === 0) return { root: shared, close: () => undefined };
  const folder = mkdtempSync(join(tmpdir(), "windlass-simulation-"));
  const close = () => rmSync(folder, { recursive: true, force: true });
  try {
    for (const name of names) cpSync(join(shared, name), join(folder, "shared", name), { recursive: true });
    symlinkSync(resolve(shared, "../node_modules"), join(folder, "node_modules"));
    writeFileSync(join(folder, "package.json"), '{"type":"module"}');
    for (const edit of edits) makeEdit(join(folder, "shared", edit.file), edit);
    return { root: join(folder, "shared"), close };
  } catch (error) {
    close();
    throw error;
  }
}

function makeEdit(path: string, { file, find, put }: Edit): void {
  const parts = readFileSync(path, "utf8").split(find);
  if (parts.length !== 2) throw new Error(`${file} holds ${parts.length - 1} times, not once: ${find}`);
  writeFileSync(path, parts.join(put));
}

async function importFrom(root: string): Promise<Code> {
  const load = (file: string): Promise<unknown> => import(pathToFileURL(join(root, file)).href);
  const [store, publisher, stripper, limits] = await Promise.all(
    ["state/store.ts", "state/publisher.ts", "state/stripper.ts", "base/limits.ts"].map(load),
  );
  return {
    Store: (store as StoreModule).Store,
    Publisher: (publisher as PublisherModule).Publisher,
    Stripper: (stripper as StripperModule).Stripper,
    limits: limits as LimitsModule,
  };
}
