/**
 * The embedded host seen from a shell: what it prints, that its files lead in, how it stops, and what it says when it can't
 * start.
 */

import { type ChildProcess, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { readdir, readFile, writeFile } from "node:fs/promises";
import https from "node:https";
import { type AddressInfo, createServer } from "node:net";
import { join } from "node:path";
import { promisify } from "node:util";
import { describe, expect, onTestFinished, test } from "vitest";
import { localAdminName } from "../../functions/local/credentials.ts";
import { startHost } from "../../functions/local/host.ts";
import { Tokens, tokenAuthenticator } from "../../shared/access/tokens.ts";
import { newSecret, systemIds } from "../../shared/base/ids.ts";
import type { ApiRequest } from "../../shared/http/exchange.ts";
import { openMemory } from "../../shared/log/memory/open.ts";
import { hasTool } from "../tools.ts";
import { modeOf, newFolder } from "./folder.ts";
import { ManualClock } from "./manual-clock.ts";

const program = join(import.meta.dirname, "small-host.ts");
const hasKubectl = hasTool("kubectl", ["version", "--client"], "kubernetes-client");
const dayMs = 24 * 3600 * 1000;

type Ended = { readonly code: number | null; readonly out: string; readonly err: string };
type Running = {
  readonly child: ChildProcess;
  readonly ended: Promise<Ended>;
  readonly said: (pattern: RegExp) => Promise<RegExpExecArray>;
};

function launch(args: readonly string[], environment: Readonly<Record<string, string>> = {}): Running {
  const child = spawn(process.execPath, [program, ...args], {
    env: { PATH: process.env["PATH"], ...environment },
    stdio: ["ignore", "pipe", "pipe"],
  });
  onTestFinished(() => void child.kill("SIGKILL"));
  const texts = { out: "", err: "" };
  child.stderr?.on("data", (chunk) => {
    texts.err += chunk;
  });
  const ended = once(child, "close").then(([code]): Ended => ({ code, ...texts }));
  const said = (pattern: RegExp): Promise<RegExpExecArray> =>
    new Promise((resolve, reject) => {
      const look = (): void => {
        const found = pattern.exec(texts.out);
        if (found !== null) resolve(found);
      };
      child.stdout?.on("data", look);
      child.on("close", () => reject(new Error(`ended without ${pattern}: ${texts.out}${texts.err}`)));
      look();
    });
  child.stdout?.prependListener("data", (chunk) => {
    texts.out += chunk;
  });
  return { child, ended, said };
}

const ready = /listens on (https:\S+:(\d+)).*KUBECONFIG=(\S+).*DOCKER_CONFIG=(\S+).*Stop with Ctrl-C/s;

describe("the program", () => {
  test("prints its address and files, serves their holder, and refuses others", async () => {
    const data = join(await newFolder(), "deep", "data");
    const { said } = launch(["--data", data, "--port", "0"]);
    const [, url = "", , kubeconfig = "", dockerFolder = ""] = await said(ready);
    expect([kubeconfig, dockerFolder]).toEqual([join(data, "kubeconfig"), join(data, "docker")]);
    expect(await modeOf(data)).toBe("700");
    for (const name of await readdir(data))
      expect([name, await modeOf(join(data, name))]).toEqual([name, name === "docker" ? "700" : "600"]);
    const { HttpHeaders: headers } = JSON.parse(await readFile(join(dockerFolder, "config.json"), "utf8"));
    const plain = await fetch(url.replace("https", "http"), { headers });
    expect(await plain.json()).toMatchObject({ name: localAdminName, role: "admin" });
    expect((await fetch(url.replace("https", "http"))).status).toBe(401);
  });

  test.runIf(hasKubectl)("kubectl comes in over TLS with the kubeconfig that it wrote", async () => {
    const { said } = launch(["--data", await newFolder(), "--port", "0"]);
    const [, , , kubeconfig = ""] = await said(ready);
    const { stdout } = await promisify(execFile)("kubectl", ["get", "--raw", "/whoami", "--kubeconfig", kubeconfig]);
    expect(JSON.parse(stdout)).toMatchObject({ name: localAdminName });
  });

  test.each(["SIGINT", "SIGTERM"] as const)("%s ends a watch, closes the app and exits with 0", async (signal) => {
    const { child, said, ended } = launch(["--data", await newFolder(), "--port", "0"]);
    const [, url = "", , , dockerFolder = ""] = await said(ready);
    const { HttpHeaders: headers } = JSON.parse(await readFile(join(dockerFolder, "config.json"), "utf8"));
    const watch = await fetch(`${url.replace("https", "http")}/wait`, { headers });
    child.kill(signal);
    expect(await watch.text()).toBe("waiting\n");
    expect(await ended).toMatchObject({ code: 0, err: "", out: expect.stringMatching(/app closed\n$/) });
  });

  test("a second signal ends it at once", async () => {
    const { child, said, ended } = launch(["--data", await newFolder(), "--port", "0"], { WINDLASS_TEST_STUBBORN: "1" });
    const [, url = "", , , dockerFolder = ""] = await said(ready);
    const { HttpHeaders: headers } = JSON.parse(await readFile(join(dockerFolder, "config.json"), "utf8"));
    const watch = await fetch(`${url.replace("https", "http")}/wait`, { headers });
    child.kill("SIGINT");
    await said(/Stopping/);
    child.kill("SIGTERM");
    const { code, out } = await ended;
    expect([code, out.includes("app closed")]).toEqual([128 + 15, false]);
    await expect(watch.text()).rejects.toThrow();
  });

  test("a port that is taken: one line with host, port and flag, exit code 1, and the app is closed", async () => {
    const taken = createServer().listen(0, "127.0.0.1");
    onTestFinished(() => void taken.close());
    await once(taken, "listening");
    const { port } = taken.address() as AddressInfo;
    const { ended } = launch(["--data", await newFolder(), "--port", String(port)]);
    const err = `windlass: 127.0.0.1:${port} is taken by another program; choose another port with --port\n`;
    expect(await ended).toEqual({ code: 1, out: "app closed\n", err });
  });

  test("a wrong value: one line, exit code 1, nothing touched", async () => {
    const data = join(await newFolder(), "data");
    const { ended } = launch(["--data", data], { WINDLASS_PORT: "many" });
    expect(await ended).toEqual({
      code: 1,
      out: "",
      err: 'windlass: WINDLASS_PORT is "many"; it must be a whole number from 0 to 65535\n',
    });
    await expect(readdir(data)).rejects.toThrow("ENOENT");
  });

  test("a data folder that the app refuses: its one line, exit code 1, and the folder untouched", async () => {
    const data = join(await newFolder(), "foreign");
    const { ended } = launch(["--data", data, "--port", "0"]);
    expect(await ended).toEqual({ code: 1, out: "", err: `windlass: data folder ${data}: it holds something else\n` });
    expect(await readdir(data)).toEqual([]);
  });

  test("a data folder that is a file: one line, exit code 1", async () => {
    const data = join(await newFolder(), "data");
    await writeFile(data, "text");
    const { code, err } = await launch(["--data", data]).ended;
    expect([code, err.split("\n").length]).toEqual([1, 2]);
    expect(err).toContain(`windlass: ${data} can't be made`);
  });

  test("a bug: exit code 1 with its stack", async () => {
    const { code, err } = await launch(["--data", join(await newFolder(), "bug")]).ended;
    expect([code, err]).toEqual([1, expect.stringMatching(/Error: a bug\n +at /)]);
  });

  test("--help: the flags, exit code 0", async () => {
    expect(await launch(["--help"]).ended).toMatchObject({ code: 0, out: expect.stringContaining("--port"), err: "" });
  });
});

describe("startHost", () => {
  function world(clock = new ManualClock(Date.now())) {
    const tokens = new Tokens({ cells: openMemory().cells, rootUid: "root-uid", clock, ids: systemIds, newSecret });
    const authenticator = tokenAuthenticator(tokens);
    const lines: string[] = [];
    const logger = { log: (_level: string, message: string) => void lines.push(message) };
    const buildApp = async () => ({
      tokens,
      handle: async ({ header }: ApiRequest) => {
        const principal = await authenticator.authenticate(header("authorization"));
        return { status: principal === undefined ? 401 : 200, headers: {}, body: null };
      },
      close: async () => void lines.push("app closed"),
    });
    return { clock, lines, options: { buildApp, clock, logger } };
  }

  test("a restart on another port keeps the token and the authority, and changes the kubeconfig", async () => {
    const [data, { options }] = [await newFolder(), world()];
    const config = { host: "127.0.0.1", port: 0, data };
    const read = (): Promise<string[]> =>
      Promise.all(["admin.token", "ca.crt", "server.crt", "kubeconfig"].map((name) => readFile(join(data, name), "utf8")));
    const first = await startHost(config, options);
    const before = await read();
    await first.close();
    // The same folder under another name of the same address: the URL must differ, and so must nothing else.
    const second = await startHost({ ...config, host: "localhost" }, options);
    onTestFinished(() => second.close());
    const after = await read();
    expect(after.slice(0, 3)).toEqual(before.slice(0, 3));
    expect(after[3]).toContain(`server: ${second.url}\n`);
  });

  test.each([
    ["0.0.0.0", /^https:\/\/127\.0\.0\.1:\d+$/],
    ["127.0.0.1", /^https:\/\/127\.0\.0\.1:\d+$/],
    ["localhost", /^https:\/\/localhost:\d+$/],
  ])("listening on %s, clients of this machine come by an address they can reach and verify", async (host, url) => {
    const [data, { options }] = [await newFolder(), world()];
    const running = await startHost({ host, port: 0, data }, options);
    onTestFinished(() => running.close());
    expect(running.url).toMatch(url);
    const ca = await readFile(join(data, "ca.crt"), "utf8");
    const authorization = `Bearer ${(await readFile(join(data, "admin.token"), "utf8")).trim()}`;
    const [response] = await once(https.get(running.url, { ca, headers: { authorization } }), "response");
    response.resume();
    expect(response.statusCode).toBe(200);
  });

  test("a host that runs for a year renews its certificate while it runs", async () => {
    const [data, { options, clock }] = [await newFolder(), world()];
    const running = await startHost({ host: "127.0.0.1", port: 0, data }, options);
    onTestFinished(() => running.close());
    const before = await readFile(join(data, "server.crt"), "utf8");
    clock.advance(340 * dayMs);
    await expect.poll(() => readFile(join(data, "server.crt"), "utf8")).not.toBe(before);
  });

  test("a renewal that fails is logged, and the host goes on", async () => {
    const [data, { options, clock, lines }] = [await newFolder(), world()];
    const running = await startHost({ host: "127.0.0.1", port: 0, data }, options);
    onTestFinished(() => running.close());
    await writeFile(join(data, "ca.crt"), "garbage");
    clock.advance(dayMs);
    await expect.poll(() => lines).toEqual(["the certificates can't be renewed"]);
    expect((await fetch(running.url.replace("https", "http"))).status).toBe(401);
  });

  test("close: may be called again, and closes the app once, after the last connection", async () => {
    const [data, { options, lines }] = [await newFolder(), world()];
    const running = await startHost({ host: "127.0.0.1", port: 0, data }, options);
    await Promise.all([running.close(), running.close()]);
    await running.close();
    expect(lines).toEqual(["app closed"]);
    await expect(fetch(running.url.replace("https", "http"))).rejects.toThrow();
  });
});
