/**
 * The body of an answer from the pieces of its text. A short one is sent whole; a long one is made while its reader takes it, piece by
 * piece, so that it never stands in memory as a whole, and compressed where the client takes that.
 */
import { pipeline, Readable } from "node:stream";
import { constants, createGzip } from "node:zlib";

export type TextBody = {
  readonly body: string | ReadableStream<Uint8Array>;
  /** What it adds to the answer's headers. */
  readonly headers: Readonly<Record<string, string>>;
};

/** Kubernetes compresses from 128 KB on (apiserver, defaultGzipThresholdBytes), at its fastest level. In UTF-16 units. */
const wholeCharactersMax = 128 * 1024;
const chunkCharacters = 64 * 1024;

/** `pieces` is read on while the body is: what it reads from must not change. `acceptEncoding`: the request's header. */
export function textBody(pieces: Iterable<string>, acceptEncoding: string | undefined): TextBody {
  const source = pieces[Symbol.iterator]();
  const begin = nextChunk(source, wholeCharactersMax + 1);
  if (begin.length <= wholeCharactersMax) return { body: begin, headers: {} };
  const chunks = encoded(begin, source);
  if (!acceptsGzip(acceptEncoding)) return { body: pulled(chunks), headers: { vary: "Accept-Encoding" } };
  return { body: compressed(chunks), headers: { "content-encoding": "gzip", vary: "Accept-Encoding" } };
}

/** Joined pieces of `characters` or, at the end, fewer; the last of them may exceed it. */
function nextChunk(source: Iterator<string>, characters: number): string {
  let chunk = "";
  while (chunk.length < characters) {
    const { value, done } = source.next();
    if (done === true) return chunk;
    chunk += value;
  }
  return chunk;
}

function* encoded(begin: string, source: Iterator<string>): Generator<Uint8Array, void> {
  const encoder = new TextEncoder();
  for (let chunk = begin; chunk !== ""; chunk = nextChunk(source, chunkCharacters)) yield encoder.encode(chunk);
}

/** Nothing is made before the transport asks. */
function pulled(chunks: Generator<Uint8Array, void>): ReadableStream<Uint8Array> {
  return new ReadableStream<Uint8Array>(
    {
      pull(controller) {
        const { value, done } = chunks.next();
        if (done === true) controller.close();
        else controller.enqueue(value);
      },
      cancel() {
        chunks.return();
      },
    },
    { highWaterMark: 0 },
  );
}

function compressed(chunks: Generator<Uint8Array, void>): ReadableStream<Uint8Array> {
  const gzip = createGzip({ level: constants.Z_BEST_SPEED });
  // An error of either end is seen by the body's reader, or is that reader's going away.
  pipeline(Readable.from(chunks, { objectMode: true, highWaterMark: 1 }), gzip, () => undefined);
  return Readable.toWeb(gzip, { strategy: { highWaterMark: 0 } }) as ReadableStream<Uint8Array>;
}

/** Whether an Accept-Encoding header takes gzip. */
export function acceptsGzip(header: string | undefined): boolean {
  return (header ?? "").split(",").some((coding) => /^\s*(gzip|\*)\s*(;\s*q=(1|0\.0*[1-9])[0-9.]*\s*)?$/i.test(coding));
}
