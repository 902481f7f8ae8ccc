/**
 * From what an engine says of a container to the status of its object. Pure; what changes by itself (uptime, a check's output) is left
 * out, so that a container at rest is never committed. What an engine may make as large as it likes is bounded.
 */
import { isJsonObject } from "../../base/json.ts";
import type { ContainerObjectState, ContainerObjectStatus } from "../../kinds/container.ts";
import type { ContainerDetails } from "../engine/containers.ts";

/** Docker's own limit of an image's labels is its manifest's 4 MB; an object has room for these. */
const labelsMax = 128;
const labelCharactersMax = 16 * 1024;
const commandCharactersMax = 1_024;
const messageCharactersMax = 1_024;
const portsMax = 128;
const networksMax = 64;
const mountsMax = 64;
/** Linux's longest path. */
const pathCharactersMax = 4_096;
const typeCharactersMax = 64;
/** Docker's longest name of anything, and more than an image's id has. */
const nameCharactersMax = 255;

/** Docker's states, and Podman's for the same. */
const states: Readonly<Record<string, ContainerObjectState>> = {
  created: "created",
  configured: "created",
  initialized: "created",
  running: "running",
  stopping: "running",
  paused: "paused",
  restarting: "restarting",
  removing: "removing",
  exited: "exited",
  stopped: "exited",
  dead: "dead",
};

/** undefined: no state that is known. */
export const stateOfEngine = (text: string): ContainerObjectState | undefined => states[text.toLowerCase()];

export function statusOf(details: ContainerDetails): ContainerObjectStatus {
  const { State, Config } = details;
  const state = stateOfEngine(State.Status) ?? (State.Running ? "running" : "exited");
  const hasEnded = state === "exited" || state === "dead";
  const health = healthOf(State.Health?.Status);
  const fields = {
    message: State.Error.slice(0, messageCharactersMax) || undefined,
    engineName: details.Name.replace(/^\//, "").slice(0, nameCharactersMax) || undefined,
    command: commandOf(details),
    health,
    exitCode: hasEnded ? State.ExitCode : undefined,
    isOutOfMemory: State.OOMKilled || undefined,
    restartCount: details.RestartCount || undefined,
    createdAt: timeOf(details.Created),
    startedAt: timeOf(State.StartedAt),
    finishedAt: hasEnded ? timeOf(State.FinishedAt) : undefined,
    ports: portsOf(details.NetworkSettings["Ports"]),
    mounts: mountsOf(details["Mounts"]),
    networks: networksOf(details.NetworkSettings["Networks"]),
    labels: labelsOf(Config.Labels ?? {}),
  };
  const given = Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
  return { state, containerId: details.Id, imageId: details.Image.slice(0, nameCharactersMax), ...given };
}

function healthOf(text: string | undefined): ContainerObjectStatus["health"] {
  return text === "starting" || text === "healthy" || text === "unhealthy" ? text : undefined;
}

/** Engines say the year 1 for never. */
function timeOf(text: string): string | undefined {
  const ms = Date.parse(text);
  return Number.isNaN(ms) || ms <= 0 ? undefined : new Date(ms).toISOString();
}

function commandOf({ Path, Args }: ContainerDetails): string | undefined {
  const parts = [Path, ...(Array.isArray(Args) ? Args : [])].filter((part) => typeof part === "string");
  return parts.join(" ").slice(0, commandCharactersMax) || undefined;
}

type Ports = NonNullable<ContainerObjectStatus["ports"]>;
type Binding = { readonly HostIp?: unknown; readonly HostPort?: unknown };

/** `{ "80/tcp": [{ HostIp, HostPort }], "443/tcp": null }` */
function portsOf(given: unknown): Ports | undefined {
  if (!isJsonObject(given)) return undefined;
  const ports = Object.entries(given).flatMap(([key, bindings]) => {
    const [digits, protocol = "tcp"] = key.split("/");
    const containerPort = Number(digits);
    if (!isPort(containerPort) || !isProtocol(protocol)) return [];
    const published = Array.isArray(bindings) ? (bindings as readonly Binding[]).flatMap(publishedOf) : [];
    const shown = published.filter((one) => !isTwin(one, published));
    return shown.length === 0 ? [{ containerPort, protocol }] : shown.map((one) => ({ containerPort, ...one, protocol }));
  });
  return ports.length === 0 ? undefined : ports.slice(0, portsMax);
}

type Published = { readonly hostPort: number; readonly hostIp?: string };

function publishedOf({ HostIp, HostPort }: Binding): Published[] {
  const hostPort = Number(HostPort);
  if (typeof HostPort !== "string" || HostPort === "" || !isPort(hostPort)) return [];
  return [{ hostPort, ...(typeof HostIp === "string" && HostIp !== "" && { hostIp: HostIp.slice(0, nameCharactersMax) }) }];
}

/** Docker shows a port that is published on all addresses once for IPv4 and once for IPv6. */
const isTwin = ({ hostIp, hostPort }: Published, all: readonly Published[]): boolean =>
  hostIp === "::" && all.some((other) => other.hostIp === "0.0.0.0" && other.hostPort === hostPort);

const isPort = (port: number): boolean => Number.isInteger(port) && port >= 0 && port <= 65_535;
const isProtocol = (text: string): text is Ports[number]["protocol"] => text === "tcp" || text === "udp" || text === "sctp";

/** Name to address; "" while it has none. */
export function networksOf(given: unknown): Readonly<Record<string, string>> | undefined {
  if (!isJsonObject(given)) return undefined;
  const named = Object.entries(given).filter(([name]) => name.length <= nameCharactersMax);
  const networks = named.slice(0, networksMax).map(([name, endpoint]) => [name, addressOf(endpoint)] as const);
  return networks.length === 0 ? undefined : Object.fromEntries(networks);
}

function addressOf(endpoint: unknown): string {
  if (!isJsonObject(endpoint)) return "";
  const { IPAddress, GlobalIPv6Address } = endpoint;
  return (
    [IPAddress, GlobalIPv6Address]
      .find((text): text is string => typeof text === "string" && text !== "")
      ?.slice(0, nameCharactersMax) ?? ""
  );
}

type Mounts = NonNullable<ContainerObjectStatus["mounts"]>;

/** In the order of their places in the container: engines have none. */
function mountsOf(given: unknown): Mounts | undefined {
  if (!Array.isArray(given)) return undefined;
  const mounts = given.filter(isJsonObject).map((mount): Mounts[number] => {
    const text = (key: string, max = nameCharactersMax): string => {
      const value = mount[key];
      return typeof value === "string" ? value.slice(0, max) : "";
    };
    const optional = {
      name: text("Name"),
      source: text("Source", pathCharactersMax),
      driver: text("Driver"),
      mode: text("Mode"),
      isReadOnly: mount["RW"] === false,
    };
    const shown = Object.fromEntries(Object.entries(optional).filter(([, value]) => value !== "" && value !== false));
    return { type: text("Type", typeCharactersMax), destination: text("Destination", pathCharactersMax), ...shown };
  });
  const ordered = mounts.toSorted((one, other) => (one.destination < other.destination ? -1 : 1));
  return ordered.length === 0 ? undefined : ordered.slice(0, mountsMax);
}

/** The first that fit. */
function labelsOf(given: Readonly<Record<string, string>>): Readonly<Record<string, string>> | undefined {
  let left = labelCharactersMax;
  const labels = Object.entries(given).filter(([key, value], index) => {
    left -= key.length + value.length;
    return index < labelsMax && left >= 0;
  });
  return labels.length === 0 ? undefined : Object.fromEntries(labels);
}
