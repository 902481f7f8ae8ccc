/**
 * Each rule of DESIGN section 1 broken once, in a double where it can be, else by an edit of a copy of the code. The suite must
 * notice every one of them (bites.test.ts).
 */
import type { Edit } from "./code.ts";
import type { HelperBreak } from "./helpers.ts";
import type { Focus } from "./plan.ts";
import type { LogBreak } from "./simulated-log.ts";
import type { ObjectsBreak } from "./simulated-objects.ts";
import type { WorldBreak } from "./world.ts";

export type Break = WorldBreak | LogBreak | ObjectsBreak | HelperBreak | "a new life begins low";
export type Mutation = {
  /** Of DESIGN section 1: its number, or where it stands. */
  readonly rule: string;
  readonly name: string;
  /** What is broken in a double. */
  readonly broken?: Break;
  readonly edits?: readonly Edit[];
  /** Runs in which the rule matters more often. */
  readonly focus?: Focus;
};

const committer = "state/committer.ts";
const replica = "state/replica.ts";
const store = "state/store.ts";
const publisher = "state/publisher.ts";

const inDouble = (rule: string, broken: Break, focus: Focus = {}): Mutation => ({ rule, name: broken, broken, focus });
const edited = (rule: string, name: string, edits: readonly Edit[], focus: Focus = {}): Mutation => ({
  rule,
  name,
  edits,
  focus,
});
const edit = (file: string, find: string, put: string): Edit => ({ file, find, put });

export const mutations: readonly Mutation[] = [
  inDouble("1", "new id for each try"),
  edited("1", "another revision after an unclear reply", [
    edit(
      committer,
      "unclear ||= ",
      "if (appended.kind === 'unknown') { await replica.sync(); return this.#again(outcomes); }\n      unclear ||= ",
    ),
  ]),
  edited("1", "a failed condition is not compared with the own id", [
    edit(committer, "appended.entry?.entry.id === first.id", "false"),
  ]),
  edited("1", "the first failed condition is not compared with the own id", [
    edit(committer, "appended.entry?.entry.id === first.id", "tries > 0 && appended.entry?.entry.id === first.id"),
  ]),
  edited(
    "1",
    "a stub counts as lost",
    [edit(committer, "return this.#fail(outcomes, new OutcomeUnknownError(revision));", "return this.#again(outcomes);")],
    { strips: true },
  ),
  edited("1", "an unclear outcome is told as a refusal", [
    edit(committer, "unclear ? new OutcomeUnknownError(first.revision, appended.cause) : ", ""),
  ]),
  edited("2", "rebase instead of rerun", [
    edit(
      committer,
      "const value = job.call(transaction);",
      `const kept = job as { made?: { value: unknown; changes: unknown[] } };
      const value = kept.made === undefined ? job.call(transaction) : kept.made.value;
      for (const change of kept.made?.changes ?? []) transaction.changes.push(change as never);
      if (reader.missed === undefined) kept.made ??= { value, changes: [...transaction.changes] };`,
    ),
  ]),
  edited("3", "an answer without a commit needs no sync", [
    edit(
      committer,
      "replica.revision === base && outcomes.every(({ job }) => replica.fresh(job.ticket));",
      "replica.revision === base;",
    ),
  ]),
  edited("3", "an answer stays though the sync brought news", [edit(committer, "if (isCertain()) tellAll", "if (true) tellAll")]),
  edited("3", "a warm view needs no sync", [
    edit(store, "if (!this.#replica.fresh(ticket)) await", "if (this.#replica.revision === undefined) await"),
    edit(store, "|| !this.#replica.fresh(ticket)) continue", ") continue"),
  ]),
  edited(
    "3",
    "a commit found by its id proves that nothing follows",
    [edit(committer, 'appended.kind === "committed" ? proof : 0', "proof")],
    { crowded: true },
  ),
  inDouble("4", "stub is free", { strips: true }),
  inDouble("4", "strip deletes", { strips: true }),
  inDouble("4", "stub reads as the end", { strips: true }),
  edited(
    "4",
    "what is not published is stripped",
    [edit("state/stripper.ts", "markers.applied, markers.published,", "markers.applied,")],
    { strips: true },
  ),
  edited(
    "4",
    "what is not applied is stripped",
    [edit("state/stripper.ts", "markers.applied, markers.published,", "markers.published,")],
    { strips: true },
  ),
  edited("5", "the lag has no bound", [edit(committer, "if (refusal !== undefined) throw", "if (refusal === null) throw")], {
    small: true,
  }),
  edited(
    "5",
    "applied is never read again",
    [
      edit(
        replica,
        "this.lag.moved(applied, this.#revision ?? applied",
        "this.lag.moved(this.#revision ?? applied, this.#revision ?? applied",
      ),
    ],
    { small: true },
  ),
  inDouble("6", "stream records are data"),
  inDouble("7", "row takes any revision"),
  inDouble("7", "update over nothing", { slow: true }),
  inDouble("7", "delete leaves no tombstone", { slow: true }),
  inDouble("7", "tombstone is short", { slow: true }),
  inDouble("7", "create over a tombstone"),
  inDouble("7", "marker moves from any value"),
  inDouble("7", "unclear rows count as written"),
  inDouble("7", "rows are not waited for"),
  inDouble("7", "events count as handed over"),
  edited("7", "the marker moves before the rows are durable", [
    edit(
      publisher,
      "await objects.apply(uid, fold(entries), clock.now());",
      "objects.apply(uid, fold(entries), clock.now()).catch(() => undefined);",
    ),
  ]),
  edited("7", "a folded create becomes an update", [
    edit("log/fold.ts", 'change.action === "create" || before === "create" ? "create" : "update"', "change.action"),
  ]),
  edited(
    "7",
    "a create and its delete fold to nothing",
    [
      edit(
        "log/fold.ts",
        'writes.set(key, { action: "delete", key, revision });',
        'if (writes.get(key)?.action === "create") writes.delete(key);\n        else writes.set(key, { action: "delete", key, revision });',
      ),
    ],
    { slow: true },
  ),
  edited("8", "objects of any size are committed", [
    edit("log/codec.ts", 'if (bytes > max) throw new TooLargeError(what, bytes, max, "bytes");', ""),
  ]),
  edited("8", "entries of any number of changes are committed", [
    edit("log/codec.ts", "if (changes.length > entryChangesMax)", "if (changes.length > 1e9)"),
    edit("state/transaction.ts", "if (this.changes.length === entryChangesMax)", "if (this.changes.length === 1e9)"),
  ]),
  edited("9", "the seal is ignored", [edit(committer, "if (replica.sealed) throw new SealedError(this.#options.uid);", "")], {
    seals: true,
  }),
  edited(
    "9",
    "applied comes to the seal",
    [edit(publisher, "run.entries.filter(({ seal }) => seal !== true)", "run.entries.slice()")],
    { seals: true },
  ),
  edited(
    "9",
    "a revision below the life's first is answered",
    [edit(store, "if (revision < first - 1) throw", "if (revision < 0) throw")],
    { seals: true },
  ),
  edited("9", "a revision above the head is answered", [edit(store, "if (at > target) throw", "if (at < 0) throw")]),
  edited("9", "a watch above the head waits", [edit(store, "if (lastWhole(position) > head ||", "if (position.revision < 0 ||")]),
  inDouble("9", "a new life begins low", { seals: true }),
  edited("reading", "a sync that began earlier is joined, and counts", [
    edit(
      replica,
      "if (this.#running === undefined) return this.#start();",
      "const counts = () => void (this.#proved = this.#proofsBegun);\n    if (this.#running !== undefined) return this.#running.then(counts);\n    return this.#start();",
    ),
  ]),
  edited("reading", "rows are read before applied", [
    edit(
      replica,
      "const { applied } = await this.#markers();\n    if (this.#revision !== undefined && applied",
      "const early = await this.#rows(miss);\n    const { applied } = await this.#markers();\n    if (this.#revision !== undefined && applied",
    ),
    edit(replica, "of await this.#rows(miss)) states", "of early) states"),
  ]),
  edited("reading", "the log is read before the rows", [
    edit(
      replica,
      "const states = new Map<string, Touched>();",
      "const early = await this.#readToEnd(Math.min(applied, this.#revision ?? applied));\n    const states = new Map<string, Touched>();",
    ),
    edit(replica, "const entries = await this.#readToEnd(from);", "const entries = early;"),
  ]),
  edited("reading", "rows are not folded forward", [
    edit(replica, "for (const { entry } of entries) foldInto(states, entry, miss);", ""),
  ]),
  edited("reading", "the log is read with eventual consistency", [
    edit(replica, "const consistent = proof !== undefined;", "const consistent = false;"),
  ]),
  inDouble("reading", "query is taken as dense"),
  edited("reading", "a fill is not registered", [edit(replica, "this.#fills.add(fill);", "")]),
  edited(
    "reading",
    "a fill stands though the replica began anew above it",
    [
      edit(
        replica,
        "if (this.#begunAt > (entries.at(-1)?.entry.revision ?? from) || (this.#revision ?? from) < from) return false;",
        "",
      ),
    ],
    { small: true, strips: true },
  ),
  edited(
    "reading",
    "a sync begins again what a load began",
    [edit(replica, "if (this.#revision === undefined) this.#begin(applied);", "this.#begin(applied);")],
    { small: true, crowded: true, strips: true },
  ),
  edited("reading", "a dropped replica keeps its rows", [edit(replica, "this.#tables.clear();", "")], {
    small: true,
    strips: true,
  }),
  edited("reading", "a pinned page is not undone", [
    edit(store, "if (overlay.get(change.key) === undefined) overlay.set", "if (overlay.get(change.key) === null) overlay.set"),
  ]),
  edited("reading", "a pinned page is undone from another revision", [
    edit(store, "past?.from !== revision)", "past === undefined)"),
  ]),
  edited("reading", "a pinned page is undone by the last touch", [
    edit(store, "if (overlay.get(change.key) === undefined) overlay.set", "overlay.set"),
  ]),
  edited("watching", "a filter is judged on the new object only", [
    edit(
      "state/filter.ts",
      "const before = happening.previous !== undefined &&",
      "const before = happening.object === undefined && happening.previous !== undefined &&",
    ),
  ]),
  edited("watching", "a resume repeats its entry", [edit("state/filter.ts", "if (place <= seen) continue;", "")]),
  edited(
    "watching",
    "a full queue drops events",
    [edit("state/watch.ts", 'this.endWith({ reason: "overflow", resourceVersion: this.#delivered });', "")],
    { small: true },
  ),
  edited("watching", "watches outlive a drop", [edit(replica, "this.#options.onDrop(revision);", "")], {
    small: true,
    strips: true,
  }),
  edited("watching", "a watch joins behind the head", [
    edit(store, "if (this.#replica.revision === watch.position.revision && !watch.ended)", "if (!watch.ended)"),
  ]),
];
