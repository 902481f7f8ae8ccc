/**
 * What dockerode dials with, in place of docker-modem: one modem a call, so that each call has its own signal and time-outs; no reading
 * of DOCKER_HOST and its like; no credentials or configurations in URLs; errors of the port; the caller, not a table of status codes,
 * says whether an answer is JSON, a stream or a connection.
 */
import type { OutgoingHttpHeaders } from "node:http";
import type { Duplex } from "node:stream";
import type { ByteSource, StreamCall } from "../engine/call.ts";
import type { RegistryAuth } from "../engine/transfers.ts";
import { EngineAnswerError, refusal } from "../engine-errors.ts";
import { Incoming, readWhole } from "./incoming.ts";
import type { Wire, WireAnswer } from "./wire.ts";

/** What dockerode hands to `dial`, as far as it is looked at. Its typings have no name for it. */
type Dialled = {
  readonly path: string;
  readonly method: string;
  readonly options?: Given | undefined;
  readonly file?: unknown;
  readonly authconfig?: RegistryAuth | undefined;
  readonly registryconfig?: Readonly<Record<string, RegistryAuth>> | undefined;
};
type Callback = (error: unknown, data: unknown) => void;

type QueryValue = string | number | boolean | readonly string[] | object | undefined;
export type Query = Readonly<Record<string, QueryValue>>;
/** Query and body apart: dockerode would put each into the other, too. */
type Given = { readonly _query?: Query; readonly _body?: object };

/** One request, without what dockerode adds. */
export type Asked = {
  readonly method: string;
  readonly path: string;
  readonly query?: Query;
  readonly body?: object;
  readonly file?: ByteSource;
  readonly headers?: OutgoingHttpHeaders;
};

/** What comes back: JSON (undefined where there is none), a stream that is handed on, a connection, or the answer's head. */
export type Mode = "json" | "stream" | "connection" | "answer";

/** The options of a dockerode call: an object without known fields, which fits all of its typings. */
export function given(query: Query = {}, body?: object, registryconfig?: object): object {
  const options: Given = { _query: query, ...(body && { _body: body }) };
  return { ...options, ...(registryconfig && { registryconfig }) };
}

export class Modem {
  readonly #wire: Wire;
  readonly #mode: Mode;
  readonly #call: StreamCall;

  constructor(wire: Wire, mode: Mode, call: StreamCall = {}) {
    this.#wire = wire;
    this.#mode = mode;
    this.#call = call;
  }

  /** dockerode's way in. */
  readonly dial = ({ method, path, options, file, authconfig, registryconfig }: Dialled, done: Callback): void => {
    const asked: Asked = {
      method,
      path: path.split("?", 1)[0] ?? path,
      ...(path.includes("?") && options?._query && { query: options._query }),
      ...(options?._body && { body: options._body }),
      ...(file !== undefined && { file: file as ByteSource }),
      headers: {
        ...(authconfig && { "x-registry-auth": authHeader(authconfig) }),
        ...(registryconfig && { "x-registry-config": authHeader(registryconfig) }),
      },
    };
    this.ask(asked).then(
      (data) => done(null, data),
      (error: unknown) => done(error, null),
    );
  };

  async ask({ method, path, query = {}, body, file, headers }: Asked): Promise<unknown> {
    const bytes = file ?? (body && JSON.stringify(body));
    const type = file === undefined ? "application/json" : "application/x-tar";
    const answer = await this.#wire.send(
      {
        method,
        path: path + queryText(query),
        headers: { ...headers, ...(bytes !== undefined && { "content-type": type }) },
        ...(bytes !== undefined && { body: bytes }),
        ...(this.#mode === "connection" && { upgrade: "tcp" }),
      },
      this.#call,
    );
    return await this.#take(`${method} ${path}`, answer);
  }

  async #take(what: string, answer: WireAnswer): Promise<unknown> {
    const { statusCode: status = 0 } = answer.response;
    // 304 is what engines say of a container that is already as it is asked to be.
    if (answer.connection !== undefined) return answer.connection;
    if (status >= 400) throw await this.#refusal(what, answer, status);
    if (this.#mode === "connection") {
      answer.response.destroy();
      throw new EngineAnswerError(this.#wire.address, what, `it has status ${status} instead of a connection`);
    }
    if (this.#mode === "stream") return new Incoming(this.#wire, what, answer, this.#call);
    if (this.#mode === "answer") return answer;
    const text = await readWhole(this.#wire, what, answer, this.#call);
    return text.trim() === "" ? undefined : jsonOf(text, (problem) => new EngineAnswerError(this.#wire.address, what, problem));
  }

  async #refusal(what: string, answer: WireAnswer, status: number): Promise<Error> {
    const text = await readWhole(this.#wire, what, answer, this.#call);
    return refusal(status, messageOf(text) ?? `${what}: status ${status}`);
  }
}

/** Node's type of a connection is a Duplex; only mode `connection` gives one. */
export const asConnection = (data: unknown): Duplex => data as Duplex;

/** As docker-modem: base64url of JSON. */
const authHeader = (auth: object): string => Buffer.from(JSON.stringify(auth)).toString("base64url");

/** Lists repeat their name, objects are JSON, what is undefined is left out. */
function queryText(query: Query): string {
  const pairs = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    if (value === undefined) continue;
    if (Array.isArray(value)) for (const one of value) pairs.append(name, String(one));
    else pairs.append(name, typeof value === "object" ? JSON.stringify(value) : String(value));
  }
  return pairs.size === 0 ? "" : `?${pairs}`;
}

function jsonOf(text: string, bad: (problem: string) => Error): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw bad(`it is not JSON: ${text.slice(0, 100)}`);
  }
}

/** Engines answer {"message": …}; proxies anything. */
function messageOf(text: string): string | undefined {
  try {
    const { message } = JSON.parse(text) as { readonly message?: unknown };
    if (typeof message === "string") return message.trim();
  } catch {
    // Not JSON: it is the message itself.
  }
  return text.trim().slice(0, 1_000) || undefined;
}
