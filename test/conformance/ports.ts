/**
 * What the three conformance suites share: how an adapter is opened, and the entries and writes they are fed with. Every
 * test takes a life (uid) of its own, so that one opened adapter serves a whole suite and an old table does no harm.
 */
import { randomUUID } from "node:crypto";
import { deepFreeze, type JsonObject } from "../../shared/base/json.ts";
import { encodeEntry } from "../../shared/log/codec.ts";
import type { Appended, Cells, Change, EncodedEntry, Entry, Log, Objects, Tail } from "../../shared/log/ports.ts";

export type OpenedPorts = { readonly log: Log; readonly objects: Objects; readonly cells: Cells; close(): Promise<void> };
export type OpenPorts = () => Promise<OpenedPorts>;
export type ConformanceOptions = {
  /** Random runs of each property: few where a request is slow. 0 leaves the property out. */
  readonly runs?: number;
};

/** The first revision of the lives in these suites: of the size that a creation time in milliseconds has. */
export const first = 1_790_000_000_000;
/** Ample for a slow DynamoDB Local on a busy machine. */
export const timeoutMs = 60_000;

export const newUid = (): string => randomUUID();

/** Strings that are mangled by whatever treats text as bytes, as SQL, as a path or as a property name. */
export const oddValue: JsonObject = deepFreeze({
  text: "Grüße, 世界 \u{1F680} \u0000 \u2028 \\ \" ' ; -- %_* \r\n\t",
  lone: "\uD800",
  empty: "",
  numbers: [0, -0.5, 1e300, 5e-324, 9_007_199_254_740_991, -9_007_199_254_740_991],
  nested: { null: null, true: true, list: [], map: {}, "": { constructor: "own", toString: "own" } },
});

export function entryAt(revision: number, changes: readonly Change[] = [createOf(`things/${revision}`, { revision })]): Entry {
  return deepFreeze({ revision, id: randomUUID(), time: Date.now(), actor: "tester", changes });
}

export const createOf = (key: string, value: JsonObject): Change => ({ action: "create", key, value: deepFreeze(value) });

/** `count` entries from `revision` on, encoded as `log` wants them. */
export function runOf(log: Log, revision: number, count: number): EncodedEntry[] {
  return Array.from({ length: count }, (_, place) => encodeEntry(entryAt(revision + place), log.compressAboveBytes));
}

/** A life that has begun at `first` and holds `count` entries. */
export async function lifeOf({ log, objects }: OpenedPorts, count: number): Promise<{ uid: string; entries: EncodedEntry[] }> {
  const uid = newUid();
  await objects.begin(uid, first);
  const entries = runOf(log, first, count);
  await appendAll(log, uid, entries);
  return { uid, entries };
}

/** Appends `entries` in runs as long as the adapter takes. Throws unless all of them are committed. */
export async function appendAll(log: Log, uid: string, entries: readonly EncodedEntry[]): Promise<void> {
  for (let start = 0; start < entries.length; start += log.appendMax) {
    const outcome = await log.append(uid, entries.slice(start, start + log.appendMax));
    if (outcome.kind !== "committed")
      throw new Error(`append: ${outcome.kind} at ${entries[start]?.entry.revision}`, { cause: outcome });
  }
}

/** Reads to the end in pages of `limit`. Throws when what follows `after` is trimmed. */
export async function readAll(log: Log, uid: string, after: number, limit = 1_000): Promise<EncodedEntry[]> {
  const entries: EncodedEntry[] = [];
  for (;;) {
    const tail = await log.read(uid, { after: after + entries.length, limit, consistent: true });
    if (tail.kind === "trimmed") throw new Error(`trimmed after ${after + entries.length}`);
    entries.push(...tail.entries);
    if (tail.end) return entries;
    if (tail.entries.length === 0) throw new Error("a tail without end must not be empty");
  }
}

/** Entries and bytes in a form that `toEqual` compares whatever class an adapter's bytes have. */
export const plainOf = (encoded: EncodedEntry | undefined): unknown =>
  encoded && { entry: encoded.entry, bytes: Buffer.from(encoded.bytes).toString("base64") };

export const plainTail = (tail: Tail): unknown =>
  tail.kind === "trimmed" ? tail : { ...tail, entries: tail.entries.map(plainOf) };

export const plainAppended = (outcome: Appended): unknown =>
  outcome.kind === "conflict" ? { kind: "conflict", entry: plainOf(outcome.entry) } : outcome;

/** The order that keys have: of their UTF-8 bytes. */
export const byBytes = (a: string, b: string): number => Buffer.compare(Buffer.from(a), Buffer.from(b));

/** Text of `bytes` bytes that does not compress to nothing and is not ASCII only. */
function textOf(bytes: number): string {
  const seed = `${randomUUID()}é`;
  const seedBytes = Buffer.byteLength(seed);
  return seed.repeat(Math.floor(bytes / seedBytes)) + "x".repeat(bytes % seedBytes);
}

/** An object whose JSON has exactly `bytes` bytes. */
export function objectOf(bytes: number): JsonObject {
  const frame = JSON.stringify({ text: "" }).length;
  return deepFreeze({ text: textOf(bytes - frame) });
}
