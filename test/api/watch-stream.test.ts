/** The body of a watch's answer, with a clock that the test moves: bookmarks, ends, and that nothing is read before it is asked for. */
import { describe, expect, it } from "vitest";
import { OpenWatches } from "../../shared/api/open-watches.ts";
import { type EventLines, WatchStream, type WatchStreamOptions } from "../../shared/api/watch-stream.ts";
import type { WindlassObject } from "../../shared/kinds/object.ts";
import type { WatchEvent } from "../../shared/state/event.ts";
import { Filter } from "../../shared/state/filter.ts";
import { ObjectIndexes } from "../../shared/state/object-indexes.ts";
import { Watch, type WatchEnd } from "../../shared/state/watch.ts";
import { ManualClock } from "../local/manual-clock.ts";
import { pulled } from "./pulled.ts";

const encoder = new TextEncoder();
const decoder = new TextDecoder();
const lines: EventLines = {
  added: ({ metadata }) => encoder.encode(`ADDED ${metadata.name}\n`),
  changed: ({ type, object }) => encoder.encode(`${type} ${object.metadata.name}\n`),
  bookmark: (version) => encoder.encode(`BOOKMARK ${version}\n`),
  failed: (error) => encoder.encode(`ERROR ${String(error)}\n`),
};

const named = (name: string): WindlassObject => ({ metadata: { name } }) as WindlassObject;
const event = (revision: number, name = `n${revision}`): WatchEvent => ({
  type: "create",
  kind: "Node",
  key: `nodes/${name}`,
  object: named(name),
  revision,
  resourceVersion: String(revision * 1000),
});

function setUp(options: Partial<WatchStreamOptions> = {}, queueMax = 100) {
  const clock = new ManualClock();
  const source = { revision: 5, feed: () => new Promise<void>(() => undefined), closed: () => undefined };
  const watch = new Watch(
    new Filter([], (plural) => new ObjectIndexes({ plural, indexes: {} })),
    { revision: 5, place: 999 },
    source,
    queueMax,
  );
  watch.live = true;
  const open = new OpenWatches(clock);
  const defaults = {
    watch,
    initial: [],
    lines,
    clock,
    endsMs: clock.monotonic() + 60_000,
    expires: undefined,
    bookmarkMs: undefined,
  };
  const stream = new WatchStream(
    { ...defaults, errorOf: (end) => (end.reason === "gone" ? "gone" : undefined), ...options },
    open,
  );
  const reader = pulled(stream).getReader();
  const read = async (): Promise<string> => {
    const { done, value } = await reader.read();
    return done ? "end" : decoder.decode(value);
  };
  return { clock, watch, open, stream, reader, read };
}

/** Lets everything run that needs no time. */
const settle = () => new Promise((resolve) => setImmediate(resolve));

describe("a watch's stream", () => {
  it("tells what is there, then what happens, many lines at once where many wait", async () => {
    const { watch, read } = setUp({ initial: [named("a"), named("b")] });
    expect(await read()).toBe("ADDED a\nADDED b\n");
    const next = read();
    watch.push(event(6));
    expect(await next).toBe("create n6\n");
    for (const revision of [7, 8, 9]) watch.push(event(revision));
    expect(await read()).toBe("create n7\ncreate n8\ncreate n9\n");
  });

  it("marks the end of what is there, before anything that happens and before any bookmark", async () => {
    const { clock, watch, read } = setUp({
      bookmarkMs: 30_000,
      initial: [named("a")],
      endOfInitial: encoder.encode("END\n"),
    });
    watch.push(event(6));
    clock.advance(30_000);
    expect(await read()).toBe("ADDED a\nEND\n");
    expect(await read()).toMatch(/^BOOKMARK|^create n6/);
    const none = setUp({ endOfInitial: encoder.encode("END\n") });
    none.watch.push(event(6));
    expect(await none.read()).toBe("END\n");
    expect(await none.read()).toBe("create n6\n");
  });

  it("takes no more from the watch than its reader does", async () => {
    const { watch, read } = setUp();
    watch.push(event(6));
    await settle();
    for (const revision of [7, 8]) watch.push(event(revision));
    await settle();
    expect(watch.queued).toBe(2);
    expect(await read()).toBe("create n6\n");
    await settle();
    expect(watch.queued).toBe(0);
  });

  it("sends what waits in pieces of bounded size", async () => {
    const initial = Array.from({ length: 5_000 }, (_, number) => named(`n${number}-${"x".repeat(100)}`));
    const { read } = setUp({ initial });
    const sizes: number[] = [];
    for (let told = 0; told < initial.length; ) {
      const text = await read();
      sizes.push(text.length);
      told += text.split("\n").length - 1;
    }
    expect(Math.max(...sizes)).toBeLessThan(66_000);
    expect(sizes.length).toBeGreaterThan(5);
  });

  it("sends a bookmark when one is due, also between events, and says how far it has come", async () => {
    const { clock, watch, read } = setUp({ bookmarkMs: 30_000 });
    const first = read();
    await settle();
    clock.advance(30_000);
    expect(await first).toBe("BOOKMARK 5999\n");
    for (const revision of [6, 7]) watch.push(event(revision));
    clock.advance(29_999);
    expect(await read()).toBe("create n6\ncreate n7\n");
  });

  it("sends no bookmark before the beginning is told, and none unasked", async () => {
    const { clock, read } = setUp({ bookmarkMs: 30_000, initial: [named("a")] });
    clock.advance(30_000);
    expect(await read()).toBe("ADDED a\n");
    const plain = setUp();
    const waiting = plain.read();
    await settle();
    plain.clock.advance(59_999);
    plain.watch.push(event(6));
    expect(await waiting).toBe("create n6\n");
  });

  it("a bookmark that came due while the reader took nothing comes when it takes again, and the next one in time", async () => {
    const { clock, watch, read } = setUp({ bookmarkMs: 20_000, endsMs: Number.MAX_SAFE_INTEGER, initial: [named("a")] });
    watch.push(event(6));
    await settle();
    clock.advance(20_000);
    await settle();
    expect([await read(), await read(), await read()]).toEqual(["ADDED a\n", "BOOKMARK 5999\n", "create n6\n"]);
    const next = read();
    await settle();
    clock.advance(20_000);
    expect(await next).toMatch(/^BOOKMARK/);
  });

  it("ends at its time, after a last bookmark where they were asked for", async () => {
    for (const [bookmarkMs, wanted] of [
      [undefined, ["end"]],
      [120_000, ["BOOKMARK 5999\n", "end"]],
    ] as const) {
      const { clock, watch, read, open } = setUp({ bookmarkMs });
      const first = read();
      await settle();
      clock.advance(60_000);
      const got = [await first];
      if (got[0] !== "end") got.push(await read());
      expect(got).toEqual(wanted);
      expect([watch.ended, open.size]).toEqual([true, 0]);
    }
  });

  it("ends with its token, though events wait", async () => {
    const clock = new ManualClock();
    const { clock: own, watch, read } = setUp({ expires: clock.now() + 1_000 });
    watch.push(event(6));
    own.advance(1_000);
    expect(await read()).toBe("end");
  });

  it("ends with an ERROR where its reader must list afresh, and without a word where it can resume", async () => {
    const ends: readonly (readonly [WatchEnd, string])[] = [
      [{ reason: "gone", resourceVersion: "5999", message: "x" }, "ERROR gone\n"],
      [{ reason: "restarted", resourceVersion: "5999" }, "end"],
      [{ reason: "overflow", resourceVersion: "5999" }, "end"],
    ];
    for (const [end, wanted] of ends) {
      const { watch, read } = setUp();
      const next = read();
      watch.endWith(end);
      expect(await next).toBe(wanted);
    }
  });

  it("tells what was queued before the end", async () => {
    const { watch, read } = setUp();
    watch.push(event(6));
    watch.endWith({ reason: "restarted", resourceVersion: "6000" });
    expect([await read(), await read()]).toEqual(["create n6\n", "end"]);
  });

  it("a reader that is too slow loses its watch, not its place: the queue is bounded", async () => {
    const { watch, read } = setUp({}, 2);
    for (const revision of [6, 7, 8]) watch.push(event(revision));
    expect([watch.end?.reason, watch.end?.resourceVersion]).toEqual(["overflow", "5999"]);
    expect(await read()).toBe("end");
  });

  it("a line that can't be made is told as an error, and closes the watch", async () => {
    const broken = { ...lines, changed: () => JSON.parse("{") as Uint8Array };
    const { watch, read } = setUp({ lines: broken });
    watch.push(event(6));
    expect(await read()).toMatch(/^ERROR SyntaxError/);
    expect([await read(), watch.ended]).toEqual(["end", true]);
  });

  it("closes its watch when its reader cancels, and when the process ends all", async () => {
    const failures: unknown[] = [];
    const failed = (error: unknown) => {
      failures.push(error);
      return lines.failed(error);
    };
    const one = setUp({ lines: { ...lines, failed } });
    const pending = one.read();
    await settle();
    await one.reader.cancel();
    await settle();
    expect([await pending, one.watch.ended, one.open.size, failures]).toEqual(["end", true, 0, []]);
    const two = setUp();
    const waiting = two.read();
    await settle();
    two.open.endAll();
    expect(await waiting).toBe("end");
  });
});
