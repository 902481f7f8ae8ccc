/** Which versions of the API clients may name, what the ping tells them, and which version each node is spoken to in. */
import { afterEach, describe, expect, it } from "vitest";
import { compareVersions, newestVersion } from "../../shared/docker-api/versions.ts";
import { type Front, openFront, openSimulatedFront } from "./front-host.ts";
import { type Script, type ScriptedEngine, scriptedEngine } from "./scripted-engine.ts";

const opened: Front[] = [];
afterEach(async () => {
  await Promise.all(opened.splice(0).map((front) => front.close()));
});

async function open(script: Script = {}): Promise<{ readonly front: Front; readonly engine: ScriptedEngine }> {
  const engine = scriptedEngine(script);
  const front = await openFront({ nodes: { "node-a": engine.simulated.open().address }, open: engine.open });
  opened.push(front);
  return { front, engine };
}

async function withContainer(script: Script = {}) {
  const { front, engine } = await open(script);
  await front.ask("POST", "/containers/create?name=web", { json: { Image: "busybox" } });
  engine.asked.length = 0;
  return { front, engine };
}

describe("versions", () => {
  it("the ping tells what the CLI must know, to GET and to HEAD, with and without a version", async () => {
    const front = await openSimulatedFront(1);
    opened.push(front);
    for (const [method, path, text] of [
      ["GET", "/_ping", "OK"],
      ["HEAD", "/_ping", ""],
      ["GET", "/v1.41/_ping", "OK"],
    ] as const) {
      const answer = await front.ask(method, path);
      expect([answer.status, answer.text]).toEqual([200, text]);
      expect(answer.headers).toMatchObject({
        "api-version": newestVersion,
        ostype: "linux",
        "docker-experimental": "false",
        "builder-version": "1",
        swarm: "inactive",
      });
    }
  });

  it("a client that is too old or too new hears it in Docker's words", async () => {
    const { front } = await open();
    const told = async (version: string) => (await front.ask("GET", `/v${version}/info`)).json();
    expect(await told("1.40")).toEqual({
      message:
        "client version 1.40 is too old. Minimum supported API version is 1.41, please upgrade your client to a newer version",
    });
    expect(await told("1.99")).toEqual({
      message: `client version 1.99 is too new. Maximum supported API version is ${newestVersion}`,
    });
    expect((await front.ask("GET", "/v1.40/info")).status).toBe(400);
    for (const version of ["1.41", "1.44", newestVersion]) expect((await front.ask("GET", `/v${version}/info`)).status).toBe(200);
  });

  it("1.9 is older than 1.10", () => {
    expect(compareVersions("1.9", "1.10")).toBeLessThan(0);
    expect(compareVersions("1.41", "1.41")).toBe(0);
    expect(compareVersions("2.0", "1.99")).toBeGreaterThan(0);
  });

  it.each([
    ["as the client's, where it takes that", "1.42", { MinAPIVersion: "1.12", ApiVersion: "1.45" }, "/v1.42/"],
    ["as its newest, where the client's is newer", "1.50", { MinAPIVersion: "1.12", ApiVersion: "1.41" }, "/v1.41/"],
    ["as its oldest, where the client's is older", "1.41", { MinAPIVersion: "1.44", ApiVersion: "1.52" }, "/v1.44/"],
  ])("a passed call is versioned %s", async (_, client, versions, start) => {
    const { front, engine } = await withContainer({ versions });
    await front.ask("GET", `/v${client}/containers/web/top?ps_args=aux`);
    expect(engine.asked.map(({ path }) => path)).toEqual([
      expect.stringMatching(new RegExp(`^${start}containers/[0-9a-f]{64}/top`)),
    ]);
    expect(engine.asked[0]?.path).toContain("?ps_args=aux");
  });

  it("a node is asked for its versions once, and again after it refused one", async () => {
    let refuses = false;
    const { front, engine } = await withContainer({
      forward: async () =>
        refuses
          ? {
              status: 400,
              headers: {},
              body: (await import("node:stream")).Readable.from([Buffer.from('{"message":"too new"}')]),
            }
          : undefined,
    });
    await Promise.all([1, 2, 3].map(() => front.ask("GET", "/v1.41/containers/web/top")));
    const before = engine.versionsAsked;
    expect(before).toBeLessThanOrEqual(1);
    refuses = true;
    expect((await front.ask("GET", "/v1.41/containers/web/top")).status).toBe(400);
    await front.ask("GET", "/v1.41/containers/web/top");
    expect(engine.versionsAsked).toBe(before + 1);
  });

  it("what is ours or the connection's does not go on: token, host, cookies; what engines look at does", async () => {
    const { front, engine } = await withContainer();
    await front.ask("POST", "/v1.41/containers/web/kill?signal=HUP", {
      headers: { cookie: "a=b", "x-registry-auth": "e30", "x-other": "1", accept: "application/json" },
    });
    expect(engine.asked[0]?.headers).toEqual({ "x-registry-auth": "e30", accept: "application/json", "content-length": "0" });
  });

  it("an answer says whose API it is, and keeps what the engine says of itself out", async () => {
    const { front } = await withContainer({
      forward: async () => ({
        status: 200,
        headers: { "content-type": "text/plain", "api-version": "1.41", server: "Docker/20.10.24 (linux)" },
        body: (await import("node:stream")).Readable.from([Buffer.from("x")]),
      }),
    });
    const { headers } = await front.ask("GET", "/v1.41/containers/web/top");
    expect(headers["api-version"]).toBe(newestVersion);
    expect(headers["server"]).toBe("Windlass/0.0.0-test (linux)");
    expect(headers["content-type"]).toBe("text/plain");
  });
});
