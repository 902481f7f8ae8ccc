/**
 * What a container of Docker's API asks of its node, in a template's words: memory and CPUs as classic Swarm counted them
 * (HostConfig.Memory, NanoCpus), published ports. What was asked for stands in the object's spec from before the container is made, so
 * that of two that are made at once each counts for the other (placement/standing.ts).
 */
import { type JsonObject, objectOf } from "../../base/json.ts";
import { type ContainerReservations, reservedPortsMax } from "../../kinds/container.ts";
import type { ContainerCreate } from "../engine/containers.ts";

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
  const reservations = {
    ...(memory !== undefined && { memory: String(memory) }),
    ...(nanoCpus !== undefined && { cpus: nanoCpus / nanoPerCpu }),
  };
  const ports = boundPorts(host);
  return {
    image: body.Image,
    ...(Object.keys(reservations).length > 0 && { resources: { reservations } }),
    ...(ports.length > 0 && { ports }),
  };
}

/** For the object's spec; undefined: it asks for nothing. Ports beyond the bound are left to the engine to refuse. */
export function reservationsOf(body: ContainerCreate): ContainerReservations | undefined {
  const amounts = amountsOf(objectOf(body["HostConfig"]));
  const { ports = [] } = wantsOf(body);
  const hostPorts = [...new Set(ports.map(({ hostPort, protocol }) => `${hostPort}/${protocol}`))].slice(0, reservedPortsMax);
  return orNothing({ ...amounts, ...(hostPorts.length > 0 && { hostPorts }) });
}

/** After Docker's update: what its body says nothing of, or 0, stays as it is; memory below 0 has no bound any more. */
export function updatedReservations(
  before: ContainerReservations | undefined,
  body: JsonObject,
): ContainerReservations | undefined {
  const { memory, ...others } = before ?? {};
  const isUnbound = typeof body["Memory"] === "number" && body["Memory"] < 0;
  return orNothing({ ...others, ...(memory !== undefined && !isUnbound && { memory }), ...amountsOf(body) });
}

/** Of Docker's resources, within the kind's bounds. */
function amountsOf(resources: JsonObject): Pick<ContainerReservations, "memory" | "cpus"> {
  const [memory, nanoCpus] = [positive(resources["Memory"]), positive(resources["NanoCpus"])];
  return {
    ...(memory !== undefined && { memory: Math.min(Math.ceil(memory), Number.MAX_SAFE_INTEGER) }),
    ...(nanoCpus !== undefined && { cpus: Math.min(nanoCpus / nanoPerCpu, cpusMax) }),
  };
}

const orNothing = (reservations: ContainerReservations): ContainerReservations | undefined =>
  Object.keys(reservations).length === 0 ? undefined : reservations;

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
const isPort = (value: number): boolean => Number.isInteger(value) && value >= 1 && value <= portMax;
