/** The engines of nodes: opened once, spoken to with the material of the moment, closed when nobody wants them, cutting nobody. */
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { describe, expect, it } from "vitest";
import { ensureCertificates } from "../../functions/local/certificates.ts";
import { systemClock } from "../../shared/base/clock.ts";
import { systemIds } from "../../shared/base/ids.ts";
import { openDockerEngine } from "../../shared/fleet/docker/open.ts";
import type { TlsMaterial } from "../../shared/fleet/engine/tls.ts";
import { engineIdleMs, NodeEngines, type NodeEnginesOptions } from "../../shared/fleet/nodes/engines.ts";
import { EnginesClosedError } from "../../shared/fleet/nodes/errors.ts";
import type { Secret } from "../../shared/fleet/secrets/resolver.ts";
import { SimulatedEngine } from "../../shared/fleet/simulated/engine.ts";
import type { Node } from "../../shared/kinds/node.ts";
import { BadServer } from "./bad-server.ts";
import { StillClock } from "./nodes-fleet.ts";
import { nodeAt } from "./objects.ts";

type Opened = { readonly address: string; readonly tls: (() => Promise<TlsMaterial>) | undefined; closed: boolean };

function ground(options: Partial<NodeEnginesOptions> = {}) {
  const clock = new StillClock();
  const opened: Opened[] = [];
  const secret: Record<string, string> = { ca: "authority", cert: "certificate", key: "key" };
  const engines = new NodeEngines({
    clock,
    secrets: { resolve: async () => ({ ...secret }) },
    open: async ({ address, tls }) => {
      if (address.startsWith("http://bad")) throw new Error("no address of an engine");
      const one: Opened = { address, tls, closed: false };
      opened.push(one);
      const close = async (): Promise<void> => {
        one.closed = true;
      };
      return { ...new SimulatedEngine({ address, clock, random: systemIds.random }).open(), [Symbol.asyncDispose]: close };
    },
    ...options,
  });
  return { clock, opened, secret, engines };
}

const at = (name: string, address = `tcp://${name}:2375`, secretName?: string): Node =>
  nodeAt(name, { spec: { address, ...(secretName && { tls: { secretRef: { name: secretName } } }) } });

describe("the engines of nodes", () => {
  it("are opened once, also when they are asked for at once, and anew where the address or the secret is another", async () => {
    const { engines, opened } = ground();
    const [one, same] = await Promise.all([engines.of(at("a")), engines.of(at("a"))]);
    expect(one).toBe(same);
    expect(await engines.of({ ...at("a"), metadata: { ...at("a").metadata, resourceVersion: "2000" } })).toBe(one);
    await engines.of(at("a", "tcp://elsewhere:2375"));
    await engines.of(at("a", "tcp://elsewhere:2375", "first"));
    await engines.of(at("a", "tcp://elsewhere:2375", "second"));
    expect(opened.map(({ address, closed }) => [address, closed])).toEqual([
      ["tcp://a:2375", true],
      ["tcp://elsewhere:2375", true],
      ["tcp://elsewhere:2375", true],
      ["tcp://elsewhere:2375", false],
    ]);
    expect(engines.size).toBe(1);
  });

  it("belong to a node, not to its name or its address", async () => {
    const { engines } = ground();
    const first = await engines.of(at("a"));
    expect(await engines.of({ ...at("a"), metadata: { ...at("a").metadata, uid: "another" } })).not.toBe(first);
    expect(engines.size).toBe(2);
  });

  it("one that can't be opened is tried again, and says why", async () => {
    const { engines } = ground();
    for (let tries = 0; tries < 2; tries += 1) {
      await expect(engines.of(at("a", "http://bad"))).rejects.toThrow("no address of an engine");
      await Promise.resolve();
    }
    expect(engines.size).toBe(0);
  });

  it("go when nobody asked for ten minutes, when their node does, when there are too many, and all at the end", async () => {
    const { engines, opened, clock } = ground({ keptMax: 3 });
    const open = () => opened.filter(({ closed }) => !closed).map(({ address }) => address.slice(6, 7));
    for (const name of ["a", "b", "c"]) await engines.of(at(name));
    await engines.of(at("a"));
    await engines.of(at("d"));
    await Promise.resolve();
    expect(open()).toEqual(["a", "c", "d"]);
    engines.forget("uid-c");
    engines.forget("uid-c");
    clock.jump(engineIdleMs - 1);
    await engines.of(at("a"));
    expect(open()).toEqual(["a", "d"]);
    clock.jump(60_000);
    await engines.of(at("a"));
    await Promise.resolve();
    expect(open()).toEqual(["a"]);
    await engines[Symbol.asyncDispose]();
    expect(open()).toEqual([]);
    await expect(engines.of(at("a"))).rejects.toBeInstanceOf(EnginesClosedError);
  });
});

describe("what they are spoken to with", () => {
  it("a node's own secret, as it is at each connection; else the cluster's, else none", async () => {
    let cluster: TlsMaterial | undefined = { ca: "cluster" };
    const { engines, opened, secret, clock } = ground({ clusterTls: async () => cluster });
    await engines.of(at("own", "tcp://own:2376", "node-tls"));
    await engines.of(at("shared", "https://shared"));
    for (const address of ["unix:///run/docker.sock", "http://plain:2375"]) await engines.of(at(address.slice(0, 4), address));
    const material = (index: number) => opened[index]?.tls?.();
    expect(await material(0)).toEqual({ ca: "authority", cert: "certificate", key: "key" });
    secret["cert"] = "rotated";
    expect(await material(0)).toMatchObject({ cert: "rotated" });
    expect(await material(1)).toEqual({ ca: "cluster" });
    expect(opened.slice(2).map(({ tls }) => tls)).toEqual([undefined, undefined]);
    cluster = undefined;
    expect(await material(1)).toEqual({});
    clock.jump(1_000);
    await engines.of(at("shared", "https://shared"));
    expect(opened.at(-1)?.tls).toBeUndefined();
  });

  it("a cluster's material that can't be had fails those that need it, and is asked for again", async () => {
    let asked = 0;
    const clusterTls = async (): Promise<TlsMaterial> => {
      asked += 1;
      if (asked === 1) throw new Error("there is no secret fleet-tls");
      return { ca: "cluster" };
    };
    const { engines, opened } = ground({ clusterTls });
    const both = await Promise.allSettled([engines.of(at("a")), engines.of(at("b")), engines.of(at("c", "unix:///c.sock"))]);
    expect(both.map(({ status }) => status)).toEqual(["rejected", "rejected", "fulfilled"]);
    for (const name of ["a", "b"]) await engines.of(at(name));
    expect([opened.length, asked]).toEqual([3, 2]);
  });

  it("a cluster's material that never comes fails those that need it, in time", async () => {
    const { engines, clock } = ground({ clusterTls: () => new Promise<never>(() => undefined) });
    await expect(clock.until(engines.of(at("a")))).rejects.toMatchObject({
      name: "EngineUnreachableError",
      mayHaveHappened: false,
    });
  });

  it("a rotated secret holds from the next call on, without a restart", async () => {
    const folder = await mkdtemp(path.join(tmpdir(), "engines-"));
    const made = (name: string) => ensureCertificates({ folder: path.join(folder, name), hosts: [], now: systemClock.now() });
    const { mkdir } = await import("node:fs/promises");
    await Promise.all(["one", "two"].map((name) => mkdir(path.join(folder, name))));
    const [served, foreign] = [await made("one"), await made("two")];
    const server = createServer({ cert: served.cert, key: served.key }, (_, response) => {
      response.writeHead(200, { "api-version": "1.41" }).end("OK");
    }).listen(0, "127.0.0.1");
    await once(server, "listening");
    const address = `tcp://127.0.0.1:${(server.address() as AddressInfo).port}`;
    let secret: Secret = { "ca.pem": foreign.ca };
    const secrets = { resolve: async () => secret };
    try {
      await using engines = new NodeEngines({ open: openDockerEngine, secrets, clock: systemClock });
      const { system } = await engines.of(at("a", address, "node-a-tls"));
      await expect(system.ping()).rejects.toMatchObject({
        name: "EngineUnreachableError",
        message: expect.stringMatching(/certificate/),
      });
      secret = { "ca.pem": served.ca };
      expect(await system.ping()).toEqual({ ApiVersion: "1.41" });
      secret = { "ca.pem": foreign.ca };
      await expect(system.ping()).rejects.toMatchObject({ name: "EngineUnreachableError" });
    } finally {
      server.closeAllConnections();
      server.close();
      await rm(folder, { recursive: true });
    }
  });

  it("who is in the middle of a call when its engine is closed is left in peace, and its connection ends with the call", async () => {
    const finish = Promise.withResolvers<void>();
    await using server = await BadServer.start((request, response) => {
      response.writeHead(200, { "content-type": "text/plain", "api-version": "1.41" });
      if (request.url === "/quick") return void response.end("OK");
      response.write("first ");
      void finish.promise.then(() => response.end("last"));
    });
    const engines = new NodeEngines({ open: openDockerEngine, secrets: { resolve: async () => ({}) }, clock: systemClock });
    const engine = await engines.of(at("a", server.address));
    const get = (place: string) => engine.raw.forward({ method: "GET", path: place, headers: {} });
    const slow = await get("/slow");
    await (await get("/quick")).body.toArray();
    await engines[Symbol.asyncDispose]();
    finish.resolve();
    expect(Buffer.concat(await slow.body.toArray()).toString()).toBe("first last");
    while (server.sockets.size > 0) await new Promise(setImmediate);
  });
});
