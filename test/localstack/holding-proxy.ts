/**
 * Stands between a function and DynamoDB and passes everything on, until it is told to hold a request: before it is passed on, or its
 * answer after it was. What is held is never answered: the connection breaks.
 */
import { once } from "node:events";
import { createServer, type IncomingHttpHeaders, type IncomingMessage, request, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { buffer } from "node:stream/consumers";

/** `operation`: PutItem, UpdateItem, …; `body`: its JSON. */
export type Asked = { readonly operation: string; readonly body: Readonly<Record<string, unknown>> };

export type Hold = {
  /** Resolves when it holds something. */
  readonly reached: Promise<void>;
  /** Breaks the held connection. */
  readonly drop: () => void;
};

type Trap = {
  readonly when: "before" | "after";
  readonly isIt: (asked: Asked) => boolean;
  readonly reach: () => void;
  readonly dropped: Promise<void>;
};
type Answer = { readonly status: number; readonly headers: IncomingHttpHeaders; readonly body: Buffer };

export class HoldingProxy {
  readonly #upstream: URL;
  readonly #server = createServer((asked, answer) => void this.#pass(asked, answer).catch(() => answer.destroy()));
  #trap: Trap | undefined;

  private constructor(upstream: string) {
    this.#upstream = new URL(upstream);
  }

  /** Close it. */
  static async open(upstream: string): Promise<HoldingProxy> {
    const proxy = new HoldingProxy(upstream);
    proxy.#server.listen(0, "127.0.0.1");
    await once(proxy.#server, "listening");
    return proxy;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Holds the next request that is it, and only that one. */
  hold(when: "before" | "after", isIt: (asked: Asked) => boolean): Hold {
    const [reached, dropped] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    this.#trap = { when, isIt, reach: reached.resolve, dropped: dropped.promise };
    return { reached: reached.promise, drop: dropped.resolve };
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, "close");
  }

  async #pass(asked: IncomingMessage, answer: ServerResponse): Promise<void> {
    const body = await buffer(asked);
    const trap = this.#trapFor(asked, body);
    if (trap?.when === "before") return this.#keep(trap, answer);
    const passed = await this.#ask(asked, body);
    if (trap !== undefined) return this.#keep(trap, answer);
    answer.writeHead(passed.status, passed.headers).end(passed.body);
  }

  #trapFor({ headers }: IncomingMessage, body: Buffer): Trap | undefined {
    const operation = String(headers["x-amz-target"]).split(".").at(-1) ?? "";
    const trap = this.#trap;
    if (!trap?.isIt({ operation, body: JSON.parse(body.toString()) })) return undefined;
    this.#trap = undefined;
    return trap;
  }

  async #keep({ reach, dropped }: Trap, answer: ServerResponse): Promise<void> {
    reach();
    await dropped;
    answer.destroy();
  }

  async #ask({ method, url, headers }: IncomingMessage, body: Buffer): Promise<Answer> {
    const passed = request(new URL(url ?? "/", this.#upstream), { method, headers }).end(body);
    const [response] = (await once(passed, "response")) as [IncomingMessage];
    const { "transfer-encoding": _, ...kept } = response.headers;
    return { status: response.statusCode ?? 502, headers: kept, body: await buffer(response) };
  }
}
