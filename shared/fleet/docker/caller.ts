/**
 * How the parts of the adapter call: a dockerode on a modem for this one call, its answer checked. dockerode puts ids and names into
 * paths as they are, so they are checked or escaped here.
 */
import type Dockerode from "dockerode";
import type { ZodType } from "zod";
import type { Call, Rows, StreamCall } from "../engine/call.ts";
import { EngineCutError, EngineError } from "../engine-errors.ts";
import { checked } from "./answers.ts";
import type { Incoming } from "./incoming.ts";
import { type Asked, type Mode, Modem } from "./modem.ts";
import { progressOf, rowsOf } from "./rows.ts";
import type { Wire, WireAnswer } from "./wire.ts";

/** dockerode's class; it comes in as an argument because loading it takes a tenth of a second. */
export type DockerodeClass = new (options: { readonly modem: Modem }) => Dockerode;
/** One call of dockerode's. */
type Ask = (docker: Dockerode) => Promise<unknown>;

export class Caller {
  readonly wire: Wire;
  readonly #Docker: DockerodeClass;

  constructor(wire: Wire, Docker: DockerodeClass) {
    this.wire = wire;
    this.#Docker = Docker;
  }

  /** The answer as JSON, checked. `what` is for messages. */
  async json<T>(what: string, schema: ZodType, ask: Ask, call?: Call): Promise<T> {
    return checked(schema, await this.raw("json", ask, call), { address: this.wire.address, what });
  }

  /** An answer that says nothing. */
  async nothing(ask: Ask, call?: Call): Promise<void> {
    await this.raw("json", ask, call);
  }

  async stream(ask: Ask, call?: StreamCall): Promise<Incoming> {
    return (await this.raw("stream", ask, call)) as Incoming;
  }

  async rows<Row>(what: string, schema: ZodType, ask: Ask, call?: StreamCall): Promise<Rows<Row>> {
    const { address } = this.wire;
    const check = (row: unknown): Row => checked(schema, row, { address, what });
    return rowsOf(await this.stream(ask, call), { address, what, check });
  }

  /** Rows of a transfer, which fails where they say so. */
  async progress<Row>(what: string, schema: ZodType, ask: Ask, call?: StreamCall): Promise<Rows<Row>> {
    const { address } = this.wire;
    const body = await this.stream(ask, call);
    return rowsOf(body, { address, what, check: (row): Row => checked(schema, progressOf(row), { address, what }) });
  }

  /** Past dockerode, where it hides a part of the answer. */
  async post<T>(what: string, schema: ZodType, asked: Omit<Asked, "method">, call?: Call): Promise<T> {
    const answer = await new Modem(this.wire, "json", call).ask({ ...asked, method: "POST" });
    return checked(schema, answer, { address: this.wire.address, what });
  }

  /** Past dockerode, for the head of an answer. Its body must be read or left. */
  async answer(asked: Asked, call?: StreamCall): Promise<WireAnswer> {
    return (await new Modem(this.wire, "answer", call).ask(asked)) as WireAnswer;
  }

  /** A call that the engine itself takes so long to answer. */
  later(call: Call, byMs: number): Call {
    return { ...call, timeoutMs: (call.timeoutMs ?? this.wire.timeoutMs) + byMs };
  }

  /** JSON that may be long in coming once the answer has begun. */
  async last<T>(what: string, schema: ZodType, ask: Ask, call: Call): Promise<T> {
    for await (const row of await this.rows<T>(what, schema, ask, call)) return row;
    throw new EngineCutError(this.wire.address, what);
  }

  raw(mode: Mode, ask: Ask, call?: StreamCall): Promise<unknown> {
    return ask(new this.#Docker({ modem: new Modem(this.wire, mode, call) }));
  }
}

/** An id or name as a part of a path. @throws EngineError 400 for what would be another path. */
export function idPart(id: string): string {
  if (id === "" || id === "." || id === ".." || id.includes("/"))
    throw new EngineError(400, `invalid id or name: ${id.slice(0, 100)}`);
  return encodeURIComponent(id);
}

/** An image's reference as a part of a path: its slashes are the path's own. @throws EngineError 400, as engines do. */
export function referencePart(reference: string): string {
  if (
    !/^[\w][\w.:/@-]{0,1023}$/.test(reference) ||
    reference.split("/").some((part) => part === "" || part === ".." || part === ".")
  ) {
    throw new EngineError(400, `invalid reference format: ${reference.slice(0, 100)}`);
  }
  return reference;
}
