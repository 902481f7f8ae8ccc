/** The HTTP cases on the interface over the ports in memory: at the root of a server, and under a prefix. */
import { afterAll, beforeAll } from "vitest";
import { httpCases } from "../cases/http.ts";
import { startServer, type TestServer } from "./server.ts";

for (const prefix of ["", "/prod/windlass"]) {
  let server: TestServer;
  beforeAll(async () => {
    server = await startServer({ prefix });
  });
  afterAll(() => server.close());
  httpCases(`the HTTP interface under '${prefix}/'`, () => server.target);
}
