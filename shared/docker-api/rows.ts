/**
 * Answers that are rows of JSON, sent as they come: progress, events. Whoever makes rows waits for the client to take them; a client that
 * leaves ends the work. What fails before the first row is an answer with its status, what fails later is a last row, as Docker does it.
 */
import { once } from "node:events";
import { PassThrough } from "node:stream";
import type { Call } from "./call.ts";
import { type DockerAnswer, type Headers, jsonType } from "./exchange.ts";
import { failureOf } from "./status.ts";

/** Resolves when there is room for the next. Rejects when the client has left. */
export type Send = (row: object) => Promise<void>;
export type Work = (send: Send, signal: AbortSignal) => Promise<void>;

export type RowOptions = {
  readonly headers?: Headers;
  /** Whether the head is sent before there is a row: for streams that may be silent at first. */
  readonly isEager?: boolean;
};

/** @throws what `work` does before its first row. */
export async function rows(call: Call, work: Work, { headers = {}, isEager = false }: RowOptions = {}): Promise<DockerAnswer> {
  const body = new PassThrough();
  const left = new AbortController();
  const signal = AbortSignal.any([call.signal, left.signal]);
  body.once("close", () => left.abort(new Error("the client has left")));
  body.setMaxListeners(0); // each of many nodes may wait for room
  body.on("error", () => undefined); // whoever carries it hears of it; the work is ended by its close
  const begun = Promise.withResolvers<void>();
  let hasBegun = isEager;
  const send: Send = async (row) => {
    signal.throwIfAborted();
    hasBegun = true;
    begun.resolve();
    if (!body.write(`${JSON.stringify(row)}\r\n`)) await once(body, "drain", { signal });
  };
  if (isEager) begun.resolve();
  work(send, signal).then(
    () => {
      body.end();
      begun.resolve();
    },
    (error: unknown) => {
      if (hasBegun) endWith(call, body, error);
      else begun.reject(error);
    },
  );
  await begun.promise;
  return { status: 200, headers: { "content-type": jsonType, ...headers }, body };
}

/** The last row says what went wrong; who has left, or may listen no more, is cut off. */
function endWith(call: Call, body: PassThrough, error: unknown): void {
  if (call.signal.aborted || body.destroyed) {
    body.destroy();
    return;
  }
  const failure = failureOf(error);
  if (failure.isFault) call.front.logger.log("error", "a Docker request failed on its way", { path: call.place.path, error });
  body.end(`${JSON.stringify(errorRow(failure.message))}\r\n`);
}

/** As engines end a transfer that failed. The code of a build's command is what the CLI ends with. */
function errorRow(message: string): object {
  const code = /returned a non-zero code: (\d+)/.exec(message)?.[1];
  return { errorDetail: { ...(code !== undefined && { code: Number(code) }), message }, error: message };
}
