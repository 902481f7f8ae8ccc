/** What the parts of the engine's conformance suite share: containers that are removed after each test, and ways to read streams. */
import { randomUUID } from "node:crypto";
import type { Duplex } from "node:stream";
import type { JsonObject } from "../../shared/base/json.ts";
import type { Rows } from "../../shared/fleet/engine/call.ts";
import { pieces, type StreamName } from "../../shared/fleet/engine/frames.ts";
import type { Engine } from "../../shared/fleet/engine.ts";

/** `registry`: host:port of one that the engine may use, and whose images are this test run's alone. */
export type OpenedEngine = { readonly engine: Engine; readonly registry?: string; close(): Promise<void> };
export type OpenEngine = () => Promise<OpenedEngine>;

/** What every engine of these suites has: a busybox. */
export const image = "busybox:latest";
export const uniqueName = (base: string): string => `${base}-${randomUUID().slice(0, 8)}`;

/** A process that ends at SIGTERM: as PID 1 it is not ended by signals that it does not handle. */
export const patient = ["sh", "-c", "trap 'exit 0' TERM; while true; do sleep 1; done"];

export class EngineFixture {
  readonly #opened: () => OpenedEngine;
  readonly #made: string[] = [];

  constructor(opened: () => OpenedEngine) {
    this.#opened = opened;
  }

  get engine(): Engine {
    return this.#opened().engine;
  }

  get registry(): string | undefined {
    return this.#opened().registry;
  }

  /** Made, not started. */
  async create(Cmd: readonly string[] = patient, body: JsonObject = {}): Promise<{ readonly id: string; readonly name: string }> {
    const name = uniqueName("conformance");
    const { Id } = await this.engine.containers.create({ name, body: { Image: image, Cmd, ...body } });
    this.#made.push(Id);
    return { id: Id, name };
  }

  async run(Cmd?: readonly string[], body?: JsonObject): Promise<string> {
    const { id } = await this.create(Cmd, body);
    await this.engine.runs.start(id);
    return id;
  }

  /** Run to its end; its exit code. */
  async finish(Cmd: readonly string[], body?: JsonObject): Promise<{ readonly id: string; readonly code: number }> {
    const id = await this.run(Cmd, body);
    return { id, code: (await this.engine.runs.wait(id)).StatusCode };
  }

  async state(id: string): Promise<string> {
    return (await this.engine.containers.inspect(id)).State.Status;
  }

  async clean(): Promise<void> {
    const ids = this.#made.splice(0);
    await Promise.all(ids.map((id) => this.engine.containers.remove(id, { force: true, volumes: true }).catch(notThere)));
  }
}

function notThere(error: unknown): void {
  if (!(error instanceof Error && error.name === "NoSuchContainerError")) throw error;
}

/** All that a multiplexed stream has, by stream. */
export async function outputOf(stream: AsyncIterable<Uint8Array>): Promise<Record<StreamName, string>> {
  const output = { stdout: "", stderr: "" };
  for await (const { stream: name, bytes } of pieces(stream)) output[name] += Buffer.from(bytes).toString();
  return output;
}

export async function rowsOf<Row>(rows: Rows<Row>): Promise<Row[]> {
  const all: Row[] = [];
  for await (const row of rows) all.push(row);
  return all;
}

/** Reads a connection until `part` was in it. */
export async function readUntil(connection: Duplex, part: string): Promise<string> {
  let text = "";
  for await (const chunk of connection.iterator({ destroyOnReturn: false })) {
    text += String(chunk);
    if (text.includes(part)) return text;
  }
  throw new Error(`the connection ended with: ${text}`);
}

export async function* bytesOf(...chunks: readonly (Uint8Array | string)[]): AsyncGenerator<Uint8Array, void, undefined> {
  for (const chunk of chunks) yield typeof chunk === "string" ? Buffer.from(chunk) : chunk;
}
