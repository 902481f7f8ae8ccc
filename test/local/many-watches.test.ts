/** As many watches at once as the interface promises, on the embedded server: each a connection of its own, in plain HTTP. */
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { connect, type Socket } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { allowsDescriptors } from "./open-connections.ts";
import { Server } from "./server.ts";

const watches = 10_000;
/** Beside the watches: the listener's, the database's, and a test runner's own. */
const otherDescriptors = 300;
/** The listener holds no more than 256 that have said nothing. */
const openers = 64;
const nodes = "/apis/windlass.dev/v1/nodes";

const node = (name: string) => ({
  apiVersion: "windlass.dev/v1",
  kind: "Node",
  metadata: { name },
  spec: { address: "tcp://127.0.0.1:2375" },
});

describe.skipIf(!allowsDescriptors(watches + otherDescriptors))("10,000 open watches", () => {
  let server: Server | undefined;
  let folder = "";
  const sockets: Socket[] = [];

  beforeAll(async () => {
    folder = await mkdtemp(path.join(tmpdir(), "windlass-test-"));
    server = await Server.start(folder);
  });
  afterAll(async () => {
    for (const socket of sockets) socket.destroy();
    await server?.end();
    await rm(folder, { recursive: true, force: true });
  });

  const running = (): Server => {
    if (server === undefined) throw new Error("the server did not start");
    return server;
  };

  /** Resolves when the watch is there: its answer has begun. */
  async function open(): Promise<Socket> {
    const { port, token } = running();
    const socket = connect({ host: "127.0.0.1", port });
    sockets.push(socket);
    socket.write(`GET ${nodes}?watch=true HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${token}\r\n\r\n`);
    const [head] = (await once(socket, "data")) as [Buffer];
    expect(head.toString("latin1", 9, 12)).toBe("200");
    return socket;
  }

  /** Resolves when `socket` is told of `text`; an event as short as these comes in one piece. */
  const told = (socket: Socket, text: string): Promise<void> =>
    new Promise((resolve, reject) => {
      socket.on("data", (chunk: Buffer) => {
        if (chunk.includes(text)) resolve();
      });
      socket.once("close", () => reject(new Error("a watch was closed")));
    });

  const streams = async (): Promise<number> => {
    const { body } = await running().ask("GET", "/metrics");
    return Number(/^windlass_watch_streams (\d+)$/m.exec(body)?.[1]);
  };

  it("are all served, hear of one write, and are forgotten when their clients go", async () => {
    const opener = async (): Promise<void> => {
      while (sockets.length < watches) await open();
    };
    await Promise.all(Array.from({ length: openers }, opener));
    expect(await streams()).toBe(watches);
    const heard = Promise.all(sockets.map((socket) => told(socket, '"name":"for-all"')));
    const { status } = await running().ask("POST", nodes, node("for-all"));
    expect(status).toBe(201);
    await heard;
    for (const socket of sockets) socket.removeAllListeners("close").destroy();
    await expect.poll(streams, { timeout: 20_000 }).toBe(0);
    expect((await running().ask("GET", `${nodes}/for-all`)).status).toBe(200);
  });
});
