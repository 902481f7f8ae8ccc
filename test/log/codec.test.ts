/** What the codec takes comes back as it was; what breaks a limit, or is not an entry, is refused with its reason. */
import { createHash } from "node:crypto";
import { zstdCompressSync } from "node:zlib";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { deepFreeze, type JsonObject, jsonText, parseFrozen } from "../../shared/base/json.ts";
import {
  entryChangesMax,
  entryPlainBytesMax,
  entryStoredBytesMax,
  keyBytesMax,
  storedObjectBytesMax,
} from "../../shared/base/limits.ts";
import { decodeEntry, encodeEntry } from "../../shared/log/codec.ts";
import { DamagedEntryError, TooLargeError } from "../../shared/log/errors.ts";
import type { Change, Entry } from "../../shared/log/ports.ts";
import { createOf, entryAt, first, objectOf, oddValue } from "../conformance/ports.ts";

const never = Number.MAX_SAFE_INTEGER;
const plainCodec = 1;
const zstdCodec = 2;

/** Every code point but lone surrogates: keys, ids and actors are UTF-8. */
const text = fc.string({ unit: "binary", maxLength: 40 });
/** Values as JSON can say them: it knows no -0. */
const value = fc
  .dictionary(fc.string({ unit: "binary", maxLength: 10 }), fc.jsonValue())
  .map((object) => parseFrozen(JSON.stringify(object)) as JsonObject);
const change: fc.Arbitrary<Change> = fc.oneof(
  fc.record({ action: fc.constant("create" as const), key: text, value }),
  fc.record({ action: fc.constant("update" as const), key: text, value, previous: value }),
  fc.record({ action: fc.constant("delete" as const), key: text, previous: value }),
);
const entry: fc.Arbitrary<Entry> = fc.record(
  {
    revision: fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }),
    id: text,
    time: fc.nat(Number.MAX_SAFE_INTEGER),
    actor: text,
    changes: fc.array(change, { maxLength: 5 }),
    seal: fc.constant(true as const),
  },
  { requiredKeys: ["revision", "id", "time", "actor", "changes"] },
);

describe("codec", () => {
  it("any entry comes back as it was, plain and compressed", () => {
    fc.assert(
      fc.property(entry, fc.constantFrom(0, 100, never), (entry, compressAboveBytes) => {
        const encoded = encodeEntry(entry, compressAboveBytes);
        expect(encoded.entry).toBe(entry);
        const decoded = decodeEntry(entry.revision, encoded.bytes);
        expect(decoded).toEqual({ entry, bytes: encoded.bytes });
        expect(encodeEntry(decoded.entry, compressAboveBytes).bytes).toEqual(encoded.bytes);
      }),
    );
  });

  it("odd text, empty values and values without a property come back", () => {
    const sparse = deepFreeze({ there: 1, gone: undefined });
    const whole = entryAt(first, [createOf("odd", oddValue), createOf("empty", {}), createOf("sparse", sparse)]);
    const back = decodeEntry(first, encodeEntry(whole, 0).bytes).entry;
    expect(back).toEqual(whole);
    expect(Object.keys(back.changes[2]?.action === "create" ? back.changes[2].value : {})).toEqual(["there"]);
  });

  it("what is decoded is frozen, all the way down", () => {
    const { entry } = decodeEntry(first, encodeEntry(entryAt(first, [createOf("a", { inner: { list: [{}] } })]), 0).bytes);
    const frozen = (part: unknown): boolean =>
      typeof part !== "object" || part === null || (Object.isFrozen(part) && Object.values(part).every(frozen));
    expect(frozen(entry)).toBe(true);
  });

  it("JSON up to compressAboveBytes stays plain, one byte more is compressed; the first byte tells", () => {
    const one = entryAt(first, [createOf("a", objectOf(2_000))]);
    const plainBytes = encodeEntry(one, never).bytes.length - 1;
    const [plain, compressed] = [encodeEntry(one, plainBytes).bytes, encodeEntry(one, plainBytes - 1).bytes];
    expect([plain[0], compressed[0]]).toEqual([plainCodec, zstdCodec]);
    expect(compressed.length).toBeLessThan(plain.length);
    expect(decodeEntry(first, plain).entry).toEqual(decodeEntry(first, compressed).entry);
  });

  it("bytes cut off anywhere, with a foreign codec, or that are no entry, are damaged", () => {
    for (const compressAboveBytes of [0, never]) {
      const { bytes } = encodeEntry(entryAt(first, [createOf("a", objectOf(300))]), compressAboveBytes);
      for (let length = 0; length < bytes.length; length++) {
        expect(() => decodeEntry(first, bytes.subarray(0, length)), `${length} bytes`).toThrow(DamagedEntryError);
      }
      for (const codec of [0, 3, 123, 255]) {
        expect(() => decodeEntry(first, Buffer.concat([Buffer.of(codec), bytes.subarray(1)]))).toThrow(DamagedEntryError);
      }
    }
    for (const json of ["null", "7", "[]", "{}", '{"id":"x"}', '{"id":7,"changes":[]}', '{"id":"x","changes":{}}']) {
      expect(() => decodeEntry(first, Buffer.concat([Buffer.of(plainCodec), Buffer.from(json)])), json).toThrow(
        DamagedEntryError,
      );
    }
  });

  it("damage names the revision and keeps the cause", () => {
    const damaged = () => decodeEntry(first, Buffer.of(9));
    expect(damaged).toThrow(expect.objectContaining({ revision: first, cause: expect.any(Error) }));
    expect(damaged).toThrow(`the entry at revision ${first} can't be read`);
  });

  it("bytes that would unpack to more than an entry's plain maximum are damaged, not unpacked", () => {
    const bomb = Buffer.concat([Buffer.of(zstdCodec), zstdCompressSync(Buffer.alloc(entryPlainBytesMax + 1, 0x20))]);
    expect(() => decodeEntry(first, bomb)).toThrow(DamagedEntryError);
  });
});

describe("codec, limits", () => {
  const encode = (...changes: Change[]) => encodeEntry(entryAt(first, changes), never);

  it("a key: its UTF-8 bytes count, for every action", () => {
    for (const unit of ["k", "é", "世", "\u{1F680}"]) {
      const unitBytes = Buffer.byteLength(unit);
      const largest = unit.repeat(Math.floor(keyBytesMax / unitBytes)) + "k".repeat(keyBytesMax % unitBytes);
      for (const actionOf of [create, update, remove]) {
        encode(actionOf(largest));
        expect(() => encode(actionOf(`${largest}k`))).toThrow(new TooLargeError("key", keyBytesMax + 1, keyBytesMax, "bytes"));
      }
    }
  });

  it("an object: its JSON's UTF-8 bytes count; the one before a change is not counted again", () => {
    const [largest, tooLarge] = [objectOf(storedObjectBytesMax), objectOf(storedObjectBytesMax + 1)];
    expect(Buffer.byteLength(jsonText(largest))).toBe(storedObjectBytesMax);
    const error = new TooLargeError("object", storedObjectBytesMax + 1, storedObjectBytesMax, "bytes");
    encode(createOf("a", largest));
    expect(() => encode(createOf("a", tooLarge))).toThrow(error);
    encode({ action: "update", key: "a", value: largest, previous: tooLarge });
    expect(() => encode({ action: "update", key: "a", value: tooLarge, previous: largest })).toThrow(error);
    encode({ action: "delete", key: "a", previous: tooLarge });
  });

  it("an entry: so many changes", () => {
    const changes = Array.from({ length: entryChangesMax + 1 }, (_, place) => create(`k${place}`));
    encode(...changes.slice(1));
    expect(() => encode(...changes)).toThrow(new TooLargeError("entry", entryChangesMax + 1, entryChangesMax, "changes"));
  });

  it("an entry: so many bytes of JSON", () => {
    const bytesOf = 120_000;
    const filledTo = (lastBytes: number) => {
      const sizes = [...Array.from({ length: 34 }, () => bytesOf), lastBytes];
      const changes = sizes.map((bytes, place) => createOf(`k${place}`, deepFreeze({ text: "x".repeat(bytes) })));
      return { ...entryAt(first, changes), id: "id", time: first };
    };
    const frameBytes = Buffer.byteLength(JSON.stringify({ ...filledTo(0), revision: undefined }));
    const missing = entryPlainBytesMax - frameBytes;
    expect(decodeEntry(first, encodeEntry(filledTo(missing), 0).bytes).entry).toEqual(filledTo(missing));
    expect(() => encodeEntry(filledTo(missing + 1), 0)).toThrow(
      new TooLargeError("entry", entryPlainBytesMax + 1, entryPlainBytesMax, "bytes"),
    );
  });

  it("an entry: so many stored bytes, as compressed, also where it would be stored plain", () => {
    const noise = noiseOf(500_000);
    const withNoise = (length: number) => {
      const parts = [0, 1, 2, 3].map((place) => noise.slice(0, length).slice(place * 125_000, (place + 1) * 125_000));
      return {
        ...entryAt(
          first,
          parts.map((part, place) => createOf(`k${place}`, { part })),
        ),
        id: "id",
        time: first,
      };
    };
    const fits = (length: number) =>
      zstdCompressSync(JSON.stringify({ ...withNoise(length), revision: undefined })).length < entryStoredBytesMax;
    let [fitting, tooLong] = [400_000, 500_000];
    while (tooLong - fitting > 1) {
      const middle = (fitting + tooLong) >>> 1;
      if (fits(middle)) fitting = middle;
      else tooLong = middle;
    }
    const largest = encodeEntry(withNoise(fitting), 0).bytes.length;
    expect(largest).toBeLessThanOrEqual(entryStoredBytesMax);
    expect(largest).toBeGreaterThan(entryStoredBytesMax - 100);
    // Plain it is longer than what may be stored, and still taken: another adapter could hold it.
    expect(encodeEntry(withNoise(fitting), never).bytes.length).toBeGreaterThan(entryStoredBytesMax);
    for (const compressAboveBytes of [0, never]) {
      expect(() => encodeEntry(withNoise(tooLong), compressAboveBytes)).toThrow(
        expect.objectContaining({ name: "TooLargeError", what: "compressed entry", max: entryStoredBytesMax }),
      );
    }
  });

  it("what is refused names its size and its limit", () => {
    expect(() => encode(create("k".repeat(1203)))).toThrow("key has 1203 bytes; at most 900");
  });
});

const create = (key: string): Change => createOf(key, {});
const update = (key: string): Change => ({ action: "update", key, value: {}, previous: {} });
const remove = (key: string): Change => ({ action: "delete", key, previous: {} });

/** The same text each time, of six bits a character: compressing takes a quarter off it and no more. */
function noiseOf(length: number): string {
  let noise = "";
  for (let place = 0; noise.length < length; place++) noise += createHash("sha512").update(String(place)).digest("base64url");
  return noise.slice(0, length);
}
