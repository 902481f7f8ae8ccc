/**
 * A cluster's fleet behind the Docker API on a free port of 127.0.0.1: the real parts on a store in memory, and engines as the test gives
 * them. Tokens `admin`, `editor` and `viewer` are of the cluster, `stranger` of another.
 */

import { once } from "node:events";
import { createServer, request as httpRequest, type IncomingMessage } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { type Authenticator, bearerToken, isExpired, type Principal } from "../../shared/access/access.ts";
import { type Clock, systemClock, timestamp } from "../../shared/base/clock.ts";
import { systemIds } from "../../shared/base/ids.ts";
import { type Logger, silentLogger } from "../../shared/base/logger.ts";
import type { Transport } from "../../shared/docker-api/call.ts";
import { DockerApi } from "../../shared/docker-api/docker-api.ts";
import { serveDocker, upgradeDocker } from "../../shared/docker-api/node-host.ts";
import { Agents } from "../../shared/fleet/agent/agents.ts";
import type { AgentPolicy } from "../../shared/fleet/agent/policy.ts";
import { Attempts } from "../../shared/fleet/containers/attempts.ts";
import { Fleet } from "../../shared/fleet/fleet.ts";
import { NodeEngines, type OpenEngine } from "../../shared/fleet/nodes/engines.ts";
import { NodeHealer } from "../../shared/fleet/nodes/healer.ts";
import { SimulatedEngine } from "../../shared/fleet/simulated/engine.ts";
import { SimulatedRegistry } from "../../shared/fleet/simulated/registry.ts";
import { type Node, nodeKind } from "../../shared/kinds/node.ts";
import { apiVersion } from "../../shared/kinds/object.ts";
import type { Store } from "../../shared/state/store.ts";
import { noSecrets } from "../fleet/map-secrets.ts";
import { openStore, uid, watchedPorts } from "../state/watched-ports.ts";

export type FrontOptions = {
  /** Names and addresses. */
  readonly nodes: Readonly<Record<string, string>>;
  readonly open: OpenEngine;
  /** Absent: stream. */
  readonly transport?: Transport;
  /** Whether healer and agents work. Default: no; the nodes are ready then, and objects follow what goes through the front. */
  readonly run?: boolean;
  readonly labels?: Readonly<Record<string, Readonly<Record<string, string>>>>;
  readonly logger?: Logger;
  readonly clock?: Clock;
  readonly policy?: Partial<AgentPolicy>;
  /** Absent: the tokens above. */
  readonly authenticator?: Authenticator;
};

export type Front = {
  /** Of the cluster: http://127.0.0.1:PORT/clusters/default/docker */
  readonly url: string;
  /** For docker -H. */
  readonly host: string;
  readonly api: DockerApi;
  readonly fleet: Fleet;
  readonly store: Store;
  readonly principals: Map<string, Principal>;
  ask(method: string, path: string, options?: AskOptions): Promise<Answer>;
  close(): Promise<void>;
};

export type AskOptions = {
  /** Absent: admin; null: none. */
  readonly token?: string | null;
  readonly json?: unknown;
  readonly body?: string | Uint8Array;
  readonly headers?: Readonly<Record<string, string>>;
};
export type Answer = {
  readonly status: number;
  readonly headers: IncomingMessage["headers"];
  readonly text: string;
  /** The text as JSON. */
  readonly json: () => unknown;
};

export async function openFront(options: FrontOptions): Promise<Front> {
  const { transport = "stream", clock = systemClock, logger = silentLogger } = options;
  const ports = await watchedPorts();
  const store = openStore(ports, clock);
  const engines = new NodeEngines({ open: options.open, secrets: noSecrets, clock });
  const common = { store, cells: ports.cells, engines, secrets: noSecrets, clock, ids: systemIds, logger };
  const healer = new NodeHealer(common);
  const agents = new Agents({ ...common, reports: healer, ...(options.policy && { policy: options.policy }) });
  const fleet = new Fleet({ ...common, healer, attempts: new Attempts(common) });
  await addNodes(store, options);
  const grant = (role: Principal["role"], clusterUid = uid): Principal => ({ name: role, role, clusterUid });
  const principals = new Map([
    ...(["admin", "editor", "viewer"] as const).map((role): [string, Principal] => [role, grant(role)]),
    ["stranger", grant("admin", "another-life")],
  ]);
  const served = { fleet, agents };
  const fleets = async (name: string) => (name === "default" ? served : undefined);
  const api = new DockerApi({
    fleets,
    authenticator: options.authenticator ?? byToken(principals),
    transport,
    clock,
    logger,
    release: "0.0.0-test",
  });
  const server = createServer((incoming, response) => void serveDocker(api, incoming, response));
  server.on("upgrade", (incoming, socket, head) => void upgradeDocker(api, incoming, socket, head));
  const sockets = new Set<Socket>();
  server.on("connection", (socket) => {
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const stop = new AbortController();
  const running = options.run ? [healer.run(stop.signal), agents.run(stop.signal)] : [];
  const url = `http://127.0.0.1:${port}/clusters/default/docker`;
  return {
    url,
    host: url.replace("http:", "tcp:"),
    api,
    fleet,
    store,
    principals,
    ask: (method, path, asked) => ask(`${url}${path}`, method, asked),
    close: async () => {
      // Also those that have left HTTP.
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, "close");
      stop.abort();
      await Promise.all(running);
      await fleet[Symbol.asyncDispose]();
      await engines[Symbol.asyncDispose]();
      store.close();
    },
  };
}

export type SimulatedFront = Front & {
  /** By the nodes' names. */
  readonly engines: ReadonlyMap<string, SimulatedEngine>;
  readonly registry: SimulatedRegistry;
};

/** `node-a`, `node-b`, … on simulated engines at tcp://10.0.0.1:2375 and on. */
export async function openSimulatedFront(
  count: number,
  options: Partial<Omit<FrontOptions, "nodes" | "open">> = {},
): Promise<SimulatedFront> {
  const clock = options.clock ?? systemClock;
  const registry = new SimulatedRegistry("registry.test:5000");
  const names = Array.from({ length: count }, (_, place) => nameOf(place));
  const nodes = Object.fromEntries(names.map((name, place) => [name, addressOf(place)]));
  const engines = new Map(
    names.map((name, place) => {
      const made = { address: addressOf(place), clock, random: systemIds.random, registries: [registry], timeoutMs: 2_000, name };
      return [name, new SimulatedEngine(made)];
    }),
  );
  const byAddress = new Map([...engines].map(([name, engine]) => [nodes[name], engine]));
  const open: OpenEngine = async ({ address }) => {
    const engine = byAddress.get(address);
    if (engine === undefined) throw new Error(`nothing is at ${address}`);
    return engine.open();
  };
  return { ...(await openFront({ ...options, nodes, open })), engines, registry };
}

const nameOf = (place: number): string => (place < 26 ? `node-${String.fromCharCode(97 + place)}` : `node-${place}`);
const addressOf = (place: number): string => `tcp://10.0.${Math.floor(place / 250)}.${(place % 250) + 1}:2375`;

async function addNodes(store: Store, { nodes, labels = {}, run = false }: FrontOptions): Promise<void> {
  const status: NonNullable<Node["status"]> = {
    state: "ready",
    since: timestamp(systemClock.now()),
    engine: {
      version: "20.10.24",
      resources: { cpus: 4, memory: 8 * 2 ** 30 },
      platform: { os: "linux", architecture: "x86_64" },
    },
  };
  const steps = Object.entries(nodes).map(([name, address]) => (transaction: Parameters<Parameters<Store["update"]>[0]>[0]) => {
    const metadata = { name, ...(labels[name] && { labels: labels[name] }) };
    const spec = nodeKind.spec.parse({ address });
    transaction.nodes.create({ apiVersion, kind: "Node", metadata, spec, ...(!run && { status }) });
  });
  await store.batch(steps, { actor: "test" });
}

function byToken(principals: ReadonlyMap<string, Principal>): Authenticator {
  return {
    async authenticate(authorization) {
      const principal = principals.get(bearerToken(authorization) ?? "");
      return principal === undefined || isExpired(principal, systemClock.now()) ? undefined : principal;
    },
  };
}

export function ask(url: string, method: string, options: AskOptions = {}): Promise<Answer> {
  const { token = "admin", json, body = json === undefined ? undefined : JSON.stringify(json), headers = {} } = options;
  return new Promise((resolve, reject) => {
    const sent = {
      ...(token !== null && { authorization: `Bearer ${token}` }),
      ...(json !== undefined && { "content-type": "application/json" }),
      ...(body !== undefined && { "content-length": String(Buffer.byteLength(body)) }),
      ...headers,
    };
    const request = httpRequest(url, { method, headers: sent, agent: false }, (response) => {
      const chunks: Buffer[] = [];
      response.on("data", (chunk: Buffer) => chunks.push(chunk));
      response.on("error", reject);
      response.on("end", () => {
        const text = Buffer.concat(chunks).toString();
        resolve({ status: response.statusCode ?? 0, headers: response.headers, text, json: () => JSON.parse(text) as unknown });
      });
    });
    request.on("error", reject);
    request.end(body);
  });
}
