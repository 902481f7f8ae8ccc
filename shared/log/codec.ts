/**
 * How an entry is stored: one byte that names the codec, then its JSON, plain or zstd. The revision is the item's key and not
 * repeated inside. `checkEntry` refuses what could be committed but not stored, applied or published (DESIGN section 1, rule 8).
 */
import { zstdCompressSync, zstdDecompressSync } from "node:zlib";
import { deepFreeze, jsonText } from "../base/json.ts";
import { entryChangesMax, entryPlainBytesMax, entryStoredBytesMax, keyBytesMax, storedObjectBytesMax } from "../base/limits.ts";
import { DamagedEntryError, TooLargeError } from "./errors.ts";
import type { Change, EncodedEntry, Entry } from "./ports.ts";

const plainCodec = 1;
const zstdCodec = 2;
/** UTF-8 of a UTF-16 string is at most three bytes a unit: below this many units no count is needed. */
const utf8Worst = 3;

/** Encodes `entry`; compresses JSON above `compressAboveBytes`. @throws TooLargeError when it breaks a limit; nothing was written. */
export function encodeEntry(entry: Entry, compressAboveBytes: number): EncodedEntry {
  checkChanges(entry.changes);
  const text = entryText(entry);
  const plainBytes = Buffer.byteLength(text);
  if (plainBytes > entryPlainBytesMax) throw new TooLargeError("entry", plainBytes, entryPlainBytesMax, "bytes");
  const bytes = packText(text, compressAboveBytes);
  // An adapter that stores large entries plain must still refuse what another could not hold.
  const storedBytes = bytes.length > entryStoredBytesMax && bytes[0] === plainCodec ? zstd(text).length : bytes.length;
  if (storedBytes > entryStoredBytesMax) throw new TooLargeError("compressed entry", storedBytes, entryStoredBytesMax, "bytes");
  return { entry, bytes };
}

/** Decodes what stands at `revision`; its values are frozen. @throws DamagedEntryError when the bytes are not an entry. */
export function decodeEntry(revision: number, bytes: Uint8Array): EncodedEntry {
  try {
    const body = JSON.parse(unpackText(bytes)) as Omit<Entry, "revision">;
    if (typeof body.id !== "string" || !Array.isArray(body.changes)) throw new Error("id or changes are missing");
    return { entry: deepFreeze({ revision, ...body }), bytes };
  } catch (cause) {
    throw new DamagedEntryError(revision, cause);
  }
}

/** One byte that names the codec, then `text`, compressed when it has more than `compressAboveBytes`. For entries, and for rows where size costs. */
export function packText(text: string, compressAboveBytes: number): Uint8Array {
  const plainBytes = Buffer.byteLength(text);
  return plainBytes > compressAboveBytes ? zstd(text) : plain(text, plainBytes);
}

/** Undoes packText. @throws Error when the codec is unknown or the text has more than 4 MB. */
export function unpackText(bytes: Uint8Array): string {
  const body = bytes.subarray(1);
  switch (bytes[0]) {
    case plainCodec:
      return Buffer.from(body.buffer, body.byteOffset, body.length).toString("utf8");
    case zstdCodec:
      return zstdDecompressSync(body, { maxOutputLength: entryPlainBytesMax }).toString("utf8");
    default:
      throw new Error(`codec ${bytes[0] ?? "of an empty item"} is unknown`);
  }
}

/** @throws TooLargeError when a key or an object could not be stored. */
export function checkChange(change: Change): void {
  if (change.key.length * utf8Worst > keyBytesMax) checkSize("key", Buffer.byteLength(change.key), keyBytesMax);
  if (change.action === "delete") return;
  const text = jsonText(change.value);
  if (text.length * utf8Worst > storedObjectBytesMax) checkSize("object", Buffer.byteLength(text), storedObjectBytesMax);
}

function checkChanges(changes: readonly Change[]): void {
  if (changes.length > entryChangesMax) throw new TooLargeError("entry", changes.length, entryChangesMax, "changes");
  for (const change of changes) checkChange(change);
}

/** @throws TooLargeError. */
export function checkSize(what: "key" | "object", bytes: number, max: number): void {
  if (bytes > max) throw new TooLargeError(what, bytes, max, "bytes");
}

/** Put together from the values' own texts, which are kept: a commit stringifies each object once. */
function entryText({ id, time, actor, changes, seal }: Entry): string {
  const head = JSON.stringify({ id, time, actor, ...(seal && { seal }) });
  return `${head.slice(0, -1)},"changes":[${changes.map(changeText).join(",")}]}`;
}

function changeText(change: Change): string {
  const head = `{"action":"${change.action}","key":${JSON.stringify(change.key)}`;
  const value = change.action === "delete" ? "" : `,"value":${jsonText(change.value)}`;
  const previous = change.action === "create" ? "" : `,"previous":${jsonText(change.previous)}`;
  return `${head}${value}${previous}}`;
}

function plain(text: string, plainBytes: number): Uint8Array {
  const bytes = Buffer.allocUnsafe(plainBytes + 1);
  bytes[0] = plainCodec;
  bytes.write(text, 1, "utf8");
  return bytes;
}

function zstd(text: string): Uint8Array {
  return Buffer.concat([Buffer.of(zstdCodec), zstdCompressSync(text)]);
}
