/** The HTTP cases on the embedded server as `npm start` runs it: over plain HTTP from loopback, and over TLS with its own authority. */
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { getCACertificates, setDefaultCACertificates } from "node:tls";
import { afterAll, beforeAll } from "vitest";
import { httpCases } from "../cases/http.ts";
import { Server } from "./server.ts";

for (const scheme of ["http", "https"]) {
  let folder: string;
  let server: Server;

  beforeAll(async () => {
    folder = await mkdtemp(path.join(tmpdir(), "windlass-"));
    server = await Server.start(folder);
    const ca = await readFile(path.join(folder, "ca.crt"), "utf8");
    setDefaultCACertificates([...getCACertificates("default"), ca]);
  });
  afterAll(async () => {
    await server?.end();
    await rm(folder, { recursive: true });
  });

  httpCases(`the embedded server over ${scheme}`, () => ({
    baseUrl: `${scheme}://127.0.0.1:${server.port}`,
    token: server.token,
    fetch: (url, init) => fetch(url, init),
  }));
}
