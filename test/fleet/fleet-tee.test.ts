/** One stream for several readers: each gets all of it, and none holds the others up for long. */
import { describe, expect, it } from "vitest";
import { systemClock } from "../../shared/base/clock.ts";
import { tee } from "../../shared/fleet/fleet/tee.ts";

async function* numbers(count: number, seen: { given: number; isLeft: boolean }) {
  try {
    for (let n = 0; n < count; n += 1) {
      seen.given += 1;
      yield Uint8Array.of(n);
    }
  } finally {
    seen.isLeft = true;
  }
}
const read = async (source: AsyncIterable<Uint8Array>): Promise<number[]> => {
  const all: number[] = [];
  for await (const [byte = -1] of source) all.push(byte);
  return all;
};
const seenNothing = () => ({ given: 0, isLeft: false });

describe("tee", () => {
  it("gives every reader all of it, and takes no more than the slowest wants", async () => {
    const seen = seenNothing();
    const [one, two] = tee({ source: numbers(5, seen), readers: 2, clock: systemClock, stallMs: 10_000 });
    if (one === undefined || two === undefined) throw new Error("two readers");
    const first = read(one);
    const slow = two[Symbol.asyncIterator]();
    await slow.next();
    await slow.next();
    expect(seen.given).toBeLessThanOrEqual(3);
    const rest = await read({ [Symbol.asyncIterator]: () => slow });
    expect([await first, rest]).toEqual([
      [0, 1, 2, 3, 4],
      [2, 3, 4],
    ]);
  });

  it("a reader that leaves is not waited for; when all have left, the source is left", async () => {
    const seen = seenNothing();
    const [one, two] = tee({ source: numbers(100, seen), readers: 2, clock: systemClock, stallMs: 10_000 });
    if (one === undefined || two === undefined) throw new Error("two readers");
    const leaveAt = async (reader: AsyncIterable<Uint8Array>, last: number) => {
      for await (const [byte] of reader) if (byte === last) break;
    };
    await Promise.all([leaveAt(one, 0), leaveAt(two, 3)]);
    await expect.poll(() => seen.isLeft).toBe(true);
    expect(seen.given).toBeLessThan(10);
  });

  it("one that takes nothing for too long fails, and the others go on", async () => {
    const seen = seenNothing();
    const [one, two] = tee({ source: numbers(3, seen), readers: 2, clock: systemClock, stallMs: 20 });
    if (one === undefined || two === undefined) throw new Error("two readers");
    expect(await read(one)).toEqual([0, 1, 2]);
    expect(two.signal.aborted).toBe(true);
    await expect(read(two)).rejects.toThrow("it took no bytes for 20 ms");
  });

  it("a source that fails fails for all", async () => {
    const source = (async function* () {
      yield Uint8Array.of(1);
      throw new Error("cut");
    })();
    const readers = tee({ source, readers: 2, clock: systemClock, stallMs: 10_000 });
    const ends = await Promise.allSettled(readers.map(read));
    expect(ends.map((end) => end.status === "rejected" && String(end.reason))).toEqual(["Error: cut", "Error: cut"]);
  });
});
