/** A stream of JSON lines as rows: events, stats, progress. Lines are bounded, and nothing is read ahead of the reader. */
import type { Readable } from "node:stream";
import type { JsonObject } from "../../base/json.ts";
import type { Rows } from "../engine/call.ts";
import { EngineAnswerError, messageCharactersMax, TransferFailedError } from "../engine-errors.ts";

/** A line of a build's output may be long; nothing else comes near. */
const lineBytesMax = 4 * 1024 * 1024;

export type RowsOptions<Row> = {
  readonly address: string;
  readonly what: string;
  /** Checks and types a row. */
  readonly check: (row: JsonObject) => Row;
};

export function rowsOf<Row>(body: Readable, options: RowsOptions<Row>): Rows<Row> {
  return { [Symbol.asyncIterator]: () => read(body, options), close: () => void body.destroy() };
}

/** A progress row that tells of a failure ends the transfer with it. */
export function progressOf(row: JsonObject): JsonObject {
  const { error, errorDetail } = row;
  if (error === undefined && errorDetail === undefined) return row;
  const detail = errorDetail as { readonly message?: unknown } | null | undefined;
  throw new TransferFailedError(String(detail?.message ?? error).slice(0, messageCharactersMax));
}

async function* read<Row>(body: Readable, { address, what, check }: RowsOptions<Row>): AsyncGenerator<Row, void, undefined> {
  const bad = (problem: string) => new EngineAnswerError(address, what, problem);
  const decoder = new TextDecoder();
  let rest = "";
  for await (const chunk of body as AsyncIterable<Uint8Array>) {
    rest += decoder.decode(chunk, { stream: true });
    const lines = rest.split("\n");
    rest = lines.pop() ?? "";
    if (rest.length > lineBytesMax) throw bad(`a line has over ${lineBytesMax} characters`);
    for (const line of lines) if (line.trim() !== "") yield check(parse(line, bad));
  }
  if (rest.trim() !== "") yield check(parse(rest, bad));
}

function parse(line: string, bad: (problem: string) => Error): JsonObject {
  let row: unknown;
  try {
    row = JSON.parse(line);
  } catch {
    throw bad(`a line is not JSON: ${line.slice(0, 100)}`);
  }
  if (typeof row !== "object" || row === null || Array.isArray(row)) throw bad(`a line is not an object: ${line.slice(0, 100)}`);
  return row as JsonObject;
}
