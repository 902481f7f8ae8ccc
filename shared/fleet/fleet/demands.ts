/**
 * What a container of Docker's API asks of its node, in a template's words: memory and CPUs as classic Swarm counted them
 * (HostConfig.Memory, NanoCpus), published ports. What was asked for stands in the object's spec from before the container is made, so
 * that of two that are made at once each counts for the other.
 */
import { type JsonObject, objectOf } from "../../base/json.ts";
import { type Container, type ContainerReservations, reservedPortsMax } from "../../kinds/container.ts";
import { type Template, templateSchema } from "../../kinds/template.ts";
import type { ContainerCreate } from "../engine/containers.ts";
import type { Tenant } from "../placement/room.ts";

const nanoPerCpu = 1e9;
const portMax = 65_535;
/** The kind's own bound. */
const cpusMax = 10_000;

type Wants = {
  readonly image: string;
  readonly resources?: { readonly reservations: { readonly memory?: string; readonly cpus?: number } };
  readonly ports?: readonly {
    readonly containerPort: number;
    readonly hostPort: number;
    readonly protocol: "tcp" | "udp" | "sctp";
  }[];
};

export function wantsOf(body: ContainerCreate): Wants {
  const host = objectOf(body["HostConfig"]);
  const [memory, nanoCpus] = [positive(host["Memory"]), positive(host["NanoCpus"])];
  return wants(body.Image, { memory, cpus: nanoCpus === undefined ? undefined : nanoCpus / nanoPerCpu, ports: boundPorts(host) });
}

/** For the object's spec; undefined: it asks for nothing. Ports beyond the bound are left to the engine to refuse. */
export function reservationsOf(body: ContainerCreate): ContainerReservations | undefined {
  const { resources, ports = [] } = wantsOf(body);
  const { memory, cpus } = resources?.reservations ?? {};
  if (memory === undefined && cpus === undefined && ports.length === 0) return undefined;
  const hostPorts = [...new Set(ports.map(({ hostPort, protocol }) => `${hostPort}/${protocol}`))].slice(0, reservedPortsMax);
  return {
    ...(memory !== undefined && { memory: Math.min(Math.ceil(Number(memory)), Number.MAX_SAFE_INTEGER) }),
    ...(cpus !== undefined && { cpus: Math.min(cpus, cpusMax) }),
    ...(hostPorts.length > 0 && { hostPorts }),
  };
}

/** `reserves`: it takes memory, CPUs or ports of its node, and not only a place among the others. */
export type Standing = { readonly tenant: Tenant; readonly reserves: boolean };

/** What a container that no task owns takes of its node; undefined: nothing, for it has ended or a task speaks for it. */
export function standingOf(container: Container): Standing | undefined {
  if (container.spec.origin === "task" || endStates.has(container.status?.state ?? "creating")) return undefined;
  let standing = standings.get(container);
  if (standing === undefined) {
    const template = standingTemplate(container);
    const { resources, ports } = template.spec;
    standing = { tenant: { service: undefined, template }, reserves: resources !== undefined || ports !== undefined };
    standings.set(container, standing);
  }
  return standing;
}

const endStates: ReadonlySet<string> = new Set(["exited", "dead", "lost", "removing"]);
/** Objects are frozen, and the same from one look to the next while they do not change. */
const standings = new WeakMap<Container, Standing>();

function standingTemplate({ spec, status }: Container): Template {
  const { memory, cpus, hostPorts = [] } = spec.reservations ?? {};
  const shown = (status?.ports ?? []).map(({ hostPort, protocol }) => `${hostPort ?? 0}/${protocol}`);
  // Those that the engine chose are known only from what it shows.
  const ports = [...new Set([...hostPorts, ...shown])].flatMap(portNamed);
  const parsed = templateSchema.safeParse({ spec: wants(spec.image, { memory, cpus, ports }) });
  // An engine's container may have anything as its image; what it takes counts all the same.
  return parsed.success ? parsed.data : templateSchema.parse({ spec: wants("unknown", { memory, cpus, ports }) });
}

/** Which port of the container it leads to does not count. */
function portNamed(text: string): NonNullable<Wants["ports"]> {
  const [digits, protocol] = text.split("/");
  const hostPort = Number(digits);
  return isPort(hostPort) ? [{ containerPort: hostPort, hostPort, protocol: protocol as "tcp" | "udp" | "sctp" }] : [];
}

function wants(
  image: string,
  asked: { readonly memory: number | undefined; readonly cpus: number | undefined; readonly ports: NonNullable<Wants["ports"]> },
): Wants {
  const { memory, cpus, ports } = asked;
  const reservations = { ...(memory !== undefined && { memory: String(memory) }), ...(cpus !== undefined && { cpus }) };
  return {
    image,
    ...(Object.keys(reservations).length > 0 && { resources: { reservations } }),
    ...(ports.length > 0 && { ports }),
  };
}

/** Of Docker's PortBindings: `{ "80/tcp": [{ HostPort: "8080" }] }`; a range or none is the engine's to choose. */
function boundPorts(host: JsonObject): NonNullable<Wants["ports"]> {
  return Object.entries(objectOf(host["PortBindings"])).flatMap(([name, bindings]) => {
    const [, containerPort = "", protocol = "tcp"] = /^(\d+)(?:\/(tcp|udp|sctp))?$/.exec(name) ?? [];
    const list = Array.isArray(bindings) ? bindings : [];
    return list.flatMap((binding) => {
      const hostPort = Number(objectOf(binding)["HostPort"]);
      if (!isPort(hostPort) || !isPort(Number(containerPort))) return [];
      return [{ containerPort: Number(containerPort), hostPort, protocol: protocol as "tcp" | "udp" | "sctp" }];
    });
  });
}

const positive = (value: unknown): number | undefined =>
  typeof value === "number" && Number.isFinite(value) && value > 0 ? value : undefined;
const isPort = (value: number | undefined): value is number =>
  value !== undefined && Number.isInteger(value) && value >= 1 && value <= portMax;
