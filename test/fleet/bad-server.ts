/** An HTTP server that a test lets behave as no engine should. */
import { once } from "node:events";
import { createServer, type RequestListener, type Server } from "node:http";
import type { AddressInfo, Socket } from "node:net";

export class BadServer implements AsyncDisposable {
  readonly address: string;
  /** Connections that are open. */
  readonly sockets: ReadonlySet<Socket>;
  readonly #server: Server;

  private constructor(server: Server, sockets: ReadonlySet<Socket>) {
    this.#server = server;
    this.sockets = sockets;
    this.address = `tcp://127.0.0.1:${(server.address() as AddressInfo).port}`;
  }

  static async start(listener: RequestListener): Promise<BadServer> {
    const sockets = new Set<Socket>();
    const server = createServer(listener).listen(0, "127.0.0.1");
    server.on("connection", (socket) => {
      sockets.add(socket);
      socket.once("close", () => sockets.delete(socket));
    });
    await once(server, "listening");
    return new BadServer(server, sockets);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, "close");
  }
}
