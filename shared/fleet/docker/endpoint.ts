/**
 * Where an engine listens and with what it is spoken to. An address is what a Node's spec holds; a node with TLS material is always
 * spoken to over TLS, and its certificate must be good: there is no way to leave the check out.
 */
import { type AgentOptions, Agent as HttpAgent } from "node:http";
import { Agent as HttpsAgent } from "node:https";
import type { LookupFunction } from "node:net";
import { createSecureContext } from "node:tls";
import type { TlsMaterial } from "../engine/tls.ts";

export type Endpoint = {
  /** For the first line: absent on a unix socket. */
  readonly host?: string;
  readonly port?: number;
  readonly socketPath?: string;
  readonly isTls: boolean;
  /** Stands before each path, as proxies of engines want it; "" mostly. */
  readonly pathPrefix: string;
};

/** Connections to one engine at a time; further calls wait within their time-out. */
const socketsMax = 512;
/** Idle connections that are kept. */
const socketsIdleMax = 8;

/** @throws Error when it is no address of an engine. */
export function endpointOf(address: string, tls: TlsMaterial | undefined): Endpoint {
  const url = new URL(address);
  if (url.protocol === "unix:") return { socketPath: url.pathname, isTls: false, pathPrefix: "" };
  const isTls = tls !== undefined || url.protocol === "https:";
  if (!["tcp:", "http:", "https:"].includes(url.protocol)) throw new Error(`an engine is not spoken to over ${url.protocol}//`);
  return {
    host: url.hostname.replace(/^\[(.*)\]$/, "$1"),
    port: Number(url.port) || (isTls ? 443 : 80),
    isTls,
    pathPrefix: url.pathname.replace(/\/$/, ""),
  };
}

/** Ends idle connections, and those in use with their calls: Node's own destroy would cut whoever reads a log. */
export function retire(agent: HttpAgent): void {
  agent.maxFreeSockets = 0;
  for (const socket of Object.values(agent.freeSockets).flat()) socket?.destroy();
}

/** @throws Error when the material is no PEM. */
export function agentOf(
  { isTls }: Endpoint,
  { ca, cert, key }: TlsMaterial = {},
  lookup?: LookupFunction,
): HttpAgent | HttpsAgent {
  const kept = { keepAlive: true, maxSockets: socketsMax, maxFreeSockets: socketsIdleMax, scheduling: "lifo" } as const;
  const options: AgentOptions = { ...kept, ...(lookup !== undefined && { lookup }) };
  if (!isTls) return new HttpAgent(options);
  const secureContext = createSecureContext({
    minVersion: "TLSv1.2",
    ...(ca !== undefined && { ca }),
    ...(cert !== undefined && { cert }),
    ...(key !== undefined && { key }),
  });
  return new HttpsAgent({ ...options, secureContext });
}
