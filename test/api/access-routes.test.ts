/** All routes of the app, as the router knows them: none but health answers without a token, and none lets a viewer write. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { rootScope } from "../../shared/access/access.ts";
import { Client } from "../cases/client.ts";
import { startServer, type TestServer } from "./server.ts";

const open = new Set(["/healthz", "/livez", "/readyz"]);
const methods = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];
/** What a viewer may send though it is a POST: questions about oneself. */
const reviews = /\/selfsubject\w+$/;

let server: TestServer;
let client: Client;

beforeAll(async () => {
  server = await startServer();
  client = new Client(() => server.target);
});
afterAll(() => server.close());

/** Every path that a route names, with its parameters filled in. */
function paths(): string[] {
  const named = server.app.routes.map(({ path }) => path).filter((path) => !path.includes("*"));
  return [...new Set(named)].map((path) =>
    path.replace(":cluster", "default").replace(":namespace", "default").replace(/:\w+/g, "some-name"),
  );
}

describe("every route", () => {
  it("is there to be asked", () => {
    expect(paths().length).toBeGreaterThan(50);
    for (const path of [
      "/metrics",
      "/windlass/v1/tokens",
      "/clusters/default/windlass/v1/export",
      "/apis/windlass.dev/v1/nodes/some-name",
    ]) {
      expect(paths()).toContain(path);
    }
  });

  it("says 401 without a token, the same for each, but for health", async () => {
    const texts = new Set<string>();
    for (const path of paths().filter((one) => !open.has(one))) {
      for (const method of methods) {
        const { status, text } = await client.send(method, path, { token: null });
        expect([method, path, status]).toEqual([method, path, 401]);
        if (method !== "HEAD") texts.add(text);
      }
    }
    expect([...texts]).toHaveLength(1);
  });

  it("refuses what a viewer writes, and changes nothing", async () => {
    const store = await server.clusters.resolve("default");
    server.principals.set("viewer", {
      name: "v",
      role: "viewer",
      clusterUid: store?.uid ?? "",
      more: [{ role: "viewer", clusterUid: rootScope }],
    });
    const revisions = async () => [(await store?.save())?.revision, (await server.clusters.root.save()).revision];
    const before = await revisions();
    for (const path of paths().filter((one) => !reviews.test(one))) {
      for (const method of ["POST", "PUT", "PATCH", "DELETE"]) {
        const { status } = await client.send(method, path, { token: "viewer", body: {} });
        // 404: what health's and documents' paths have no method for.
        expect([method, path, [403, 404, 405].includes(status)]).toEqual([method, path, true]);
      }
    }
    expect(await revisions()).toEqual(before);
  });

  it("answers a stranger the same for a cluster that is there as for one that is not", async () => {
    server.principals.set("stranger", { name: "s", role: "admin", clusterUid: "another" });
    for (const path of paths().filter((one) => one.startsWith("/clusters/default"))) {
      for (const method of methods) {
        const answers: [number, string][] = [];
        for (const name of ["default", "nobody"]) {
          const body = method === "GET" || method === "HEAD" ? {} : { body: {} };
          const { status, text } = await client.send(method, path.replace("/default", `/${name}`), {
            token: "stranger",
            ...body,
          });
          answers.push([status, text.replaceAll(name, "default")]);
        }
        expect([method, path, answers[1]]).toEqual([method, path, answers[0]]);
      }
    }
  });
});
