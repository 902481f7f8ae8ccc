/**
 * A TCP proxy between clients and a server that comes and goes: clients keep one address through restarts, and the test cuts their
 * connections or holds back what they read, as networks do. TLS passes through it untouched.
 */
import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";

export class FaultyProxy {
  readonly #server: Server;
  readonly #pairs = new Map<Socket, Socket>();
  /** Where connections go; undefined: they are refused. */
  target: number | undefined;

  private constructor() {
    this.#server = createServer((client) => this.#accept(client));
  }

  static async start(): Promise<FaultyProxy> {
    const proxy = new FaultyProxy();
    proxy.#server.listen(0, "127.0.0.1");
    await once(proxy.#server, "listening");
    return proxy;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** Breaks all connections off, as a network does: without a word. */
  cut(): void {
    for (const [client, upstream] of this.#pairs) {
      client.destroy();
      upstream.destroy();
    }
  }

  /** Clients get nothing more until the returned function is called: to the server they are slow readers. */
  hold(): () => void {
    const held = [...this.#pairs];
    for (const [client, upstream] of held) upstream.unpipe(client);
    return () => {
      for (const [client, upstream] of held) if (!client.destroyed) upstream.pipe(client);
    };
  }

  async end(): Promise<void> {
    this.cut();
    this.#server.close();
    await once(this.#server, "close");
  }

  #accept(client: Socket): void {
    client.on("error", ignore);
    if (this.target === undefined) {
      client.destroy();
      return;
    }
    const upstream = connect({ host: "127.0.0.1", port: this.target });
    upstream.on("error", ignore);
    this.#pairs.set(client, upstream);
    client.on("close", () => {
      this.#pairs.delete(client);
      upstream.destroy();
    });
    upstream.on("close", () => client.destroy());
    client.pipe(upstream);
    upstream.pipe(client);
  }
}

/** Resets are what this is for: `close` follows. */
const ignore = (): void => undefined;
