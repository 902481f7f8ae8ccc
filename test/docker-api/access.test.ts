/** Who may ask the Docker API for what: nobody without a token, viewers what shows, admins what changes, and no answer tells what exists. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { RouteRow } from "../../shared/docker-api/route.ts";
import { type Answer, ask, openSimulatedFront, type SimulatedFront } from "./front-host.ts";

let front: SimulatedFront;
beforeAll(async () => {
  front = await openSimulatedFront(1);
});
afterAll(() => front.close());

/** A path that the route takes: names for what it names. */
const pathOf = ({ path }: Pick<RouteRow, "path">): string => path.replaceAll(/:\w+\{\.\+\}/g, "something");
const walk = (rows: readonly RouteRow[], token: string | null): Promise<Answer[]> =>
  Promise.all(rows.map((row) => front.ask(row.method, `/v1.41${pathOf(row)}`, { token })));
const rowsOf = (right: RouteRow["right"]): RouteRow[] => front.api.routes.filter((row) => row.right === right);

describe("access", () => {
  it("every route needs a token, the ping too", async () => {
    const answers = await walk(front.api.routes, null);
    expect(front.api.routes.length).toBeGreaterThan(90);
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([401]));
    for (const token of ["nobody", ""]) {
      const { status, headers } = await front.ask("GET", "/_ping", { token });
      expect(status).toBe(401);
      expect(headers["www-authenticate"]).toBe('Bearer realm="windlass"');
    }
  });

  it("a token of another cluster may do nothing here", async () => {
    const answers = await walk(front.api.routes, "stranger");
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([403]));
  });

  it("a viewer may ask for all that only shows, and for nothing else", async () => {
    const [shows, changes] = [rowsOf("read"), rowsOf("change")];
    const isEndless = ({ path }: RouteRow): boolean => path === "/events";
    const shown = await walk(
      shows.filter((row) => !isEndless(row)),
      "viewer",
    );
    expect(shown.filter(({ status }) => status === 403 || status === 401)).toEqual([]);
    for (const role of ["viewer", "editor"]) {
      const changed = await walk(changes, role);
      expect(new Set(changed.map(({ status }) => status)), role).toEqual(new Set([403]));
    }
  });

  it("a viewer sees lists, details, logs and what runs; contents of containers, and all that changes, are an admin's", () => {
    const viewers = rowsOf("read").map(({ method, path }) => `${method} ${path.replaceAll("{.+}", "")}`);
    for (const verb of ["json", "top", "logs", "stats", "changes"]) expect(viewers).toContain(`GET /containers/:id/${verb}`);
    for (const path of ["/containers/json", "/images/json", "/networks", "/volumes", "/events", "/info", "/version"])
      expect(viewers).toContain(`GET ${path}`);
    for (const verb of ["archive", "export"]) expect(viewers).not.toContain(`GET /containers/:id/${verb}`);
    expect(viewers.filter((one) => !/^(GET|HEAD) /.test(one))).toEqual([]);
  });

  it("an admin may ask for everything", async () => {
    const safe = front.api.routes.filter(({ path }) => path !== "/events");
    const answers = await walk(safe, "admin");
    expect(answers.filter(({ status }) => status === 403 || status === 401)).toEqual([]);
  });

  it("a cluster that is not there says the same to those who may not look as one that is", async () => {
    const there = await front.ask("GET", "/containers/json", { token: "stranger" });
    const absent = await ask(`${front.url.replace("/default/", "/absent/")}/containers/json`, "GET", { token: "stranger" });
    expect([absent.status, absent.text]).toEqual([there.status, there.text]);
    const own = await ask(`${front.url.replace("/default/", "/absent/")}/containers/json`, "GET", { token: "viewer" });
    expect(own.status).toBe(403);
  });

  it("the root's admin hears that there is no such cluster", async () => {
    front.principals.set("root", { name: "root", role: "admin", clusterUid: "root" });
    const absent = await ask(`${front.url.replace("/default/", "/absent/")}/containers/json`, "GET", { token: "root" });
    expect([absent.status, absent.json()]).toEqual([404, { message: 'cluster "absent" not found' }]);
    expect((await front.ask("GET", "/containers/json", { token: "root" })).status).toBe(200);
  });

  it("a stream ends when its token does", async () => {
    front.principals.set("brief", { name: "brief", role: "viewer", clusterUid: "life", expires: Date.now() + 400 });
    const answer = front.ask("GET", "/events", { token: "brief" });
    await expect(Promise.race([answer.catch(() => "cut"), answer.then(() => "ended")])).resolves.toMatch(/cut|ended/);
    expect((await front.ask("GET", "/_ping", { token: "brief" })).status).toBe(401);
  });

  it("an authenticator that can't tell is 503, and nothing of why", async () => {
    const failing = await openSimulatedFront(1, {
      authenticator: { authenticate: () => Promise.reject(new Error("disk is full")) },
    });
    try {
      const { status, text } = await failing.ask("GET", "/_ping");
      expect(status).toBe(503);
      expect(text).not.toContain("disk");
    } finally {
      await failing.close();
    }
  });
});
