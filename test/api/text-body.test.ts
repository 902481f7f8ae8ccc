/** Long answers: made while they are read, compressed where that is taken, and never whole in memory. */
import { text } from "node:stream/consumers";
import { gunzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { textBody } from "../../shared/api/text-body.ts";

function* lines(count: number, seen: { made: number }): Generator<string, void> {
  for (; seen.made < count; seen.made += 1) yield `${seen.made} ${"x".repeat(1_000)}\n`;
}

const streamOf = (body: string | ReadableStream<Uint8Array>): ReadableStream<Uint8Array> => {
  if (typeof body === "string") throw new Error("it was sent whole");
  return body;
};

describe("the body of an answer", () => {
  it("is a text up to 128 K characters, compressed or not asked for", () => {
    for (const length of [0, 1, 128 * 1024]) {
      const { body, headers } = textBody(["x".repeat(length)], "gzip");
      expect([body, headers]).toEqual(["x".repeat(length), {}]);
    }
    expect(typeof textBody(["x".repeat(128 * 1024 + 1)], undefined).body).toBe("object");
  });

  it("is made no further than its reader has come", async () => {
    const seen = { made: 0 };
    const reader = streamOf(textBody(lines(10_000, seen), undefined).body).getReader();
    await reader.read();
    await reader.read();
    expect(seen.made).toBeLessThan(300);
    await reader.cancel();
    expect((await reader.read()).done).toBe(true);
  });

  it("is whole, in plain and in gzip", async () => {
    const whole = [...lines(2_000, { made: 0 })].join("");
    const plain = textBody(lines(2_000, { made: 0 }), "identity, gzip;q=0, br");
    expect(plain.headers).toEqual({ vary: "Accept-Encoding" });
    expect(await text(streamOf(plain.body))).toBe(whole);
    const zipped = textBody(lines(2_000, { made: 0 }), "deflate, gzip;q=1.0");
    expect(zipped.headers).toEqual({ "content-encoding": "gzip", vary: "Accept-Encoding" });
    const bytes = Buffer.from(await new Response(streamOf(zipped.body)).arrayBuffer());
    expect(bytes.length).toBeLessThan(whole.length / 10);
    expect(gunzipSync(bytes).toString()).toBe(whole);
  });

  it("a reader of gzip that leaves ends the making", async () => {
    const seen = { made: 0 };
    const reader = streamOf(textBody(lines(1_000_000, seen), "gzip").body).getReader();
    await reader.read();
    await reader.cancel();
    const made = seen.made;
    await new Promise(setImmediate);
    expect(seen.made).toBe(made);
    expect(made).toBeLessThan(100_000);
  });

  it("a piece that can't be made breaks the body off", async () => {
    function* broken(): Generator<string, void> {
      yield "x".repeat(200_000);
      throw new Error("no more");
    }
    for (const encoding of [undefined, "gzip"]) {
      await expect(new Response(streamOf(textBody(broken(), encoding).body)).arrayBuffer()).rejects.toThrow();
    }
  });
});
