/** From a task's template to the body of Docker's create. Pure; what Docker takes for absent is left out. */
import type { JsonObject } from "../../base/json.ts";
import { parseDuration, parseQuantity } from "../../kinds/quantity.ts";
import type { ContainerSpec, Template } from "../../kinds/template.ts";
import type { ContainerCreate } from "../engine/containers.ts";

export type BodyOptions = {
  /** Those that say whose it is: they win over the template's. */
  readonly labels: Readonly<Record<string, string>>;
  /** Names by which it is found in its networks. */
  readonly aliases: readonly string[];
};

const nanosecondsPerMs = 1e6;
const nanoPerCpu = 1e9;

export function bodyOf({ metadata, spec }: Template, { labels, aliases }: BodyOptions): ContainerCreate {
  const { image, command, entrypoint, env, workingDir, user, hostname, stopSignal, healthCheck, networks = [] } = spec;
  const [first] = networks;
  return withoutAbsent({
    Image: image,
    Entrypoint: entrypoint,
    Cmd: command,
    Env: env && Object.entries(env).map(([name, value]) => `${name}=${value}`),
    WorkingDir: workingDir,
    User: user,
    Hostname: hostname,
    Labels: { ...metadata?.labels, ...labels },
    ExposedPorts: spec.ports && Object.fromEntries(spec.ports.map((port) => [portKey(port), {}])),
    StopSignal: stopSignal,
    // Docker counts whole seconds; less than one would be none.
    StopTimeout: Math.ceil(msOf(spec.stopGracePeriod) / 1_000),
    Healthcheck: healthCheck && healthCheckOf(healthCheck),
    HostConfig: hostConfigOf(spec),
    NetworkingConfig: first === undefined ? undefined : { EndpointsConfig: { [first]: endpointOf(aliases) } },
  }) as ContainerCreate;
}

/** How a container stands in one of its networks. */
export const endpointOf = (aliases: readonly string[]): JsonObject => ({ Aliases: aliases });

/** Milliseconds of a duration that its schema has checked. */
export const msOf = (duration: string): number => parseDuration(duration) ?? 0;

type Port = NonNullable<ContainerSpec["ports"]>[number];
const portKey = ({ containerPort, protocol }: Port): string => `${containerPort}/${protocol}`;

function healthCheckOf({ command, interval, timeout, retries, startPeriod }: NonNullable<ContainerSpec["healthCheck"]>) {
  return {
    Test: ["CMD", ...command],
    Interval: msOf(interval) * nanosecondsPerMs,
    Timeout: msOf(timeout) * nanosecondsPerMs,
    Retries: retries,
    StartPeriod: msOf(startPeriod) * nanosecondsPerMs,
  };
}

/** Reservations are placement's alone, as in swarmkit: an engine would take them for soft limits. */
function hostConfigOf({ ports, mounts, resources, networks = [] }: ContainerSpec): JsonObject {
  const { cpus, memory } = resources?.limits ?? {};
  return withoutAbsent({
    NetworkMode: networks[0],
    PortBindings: ports && bindingsOf(ports),
    Mounts: mounts?.map(({ type, source, target, readOnly }) =>
      withoutAbsent({ Type: type, Source: source, Target: target, ReadOnly: readOnly }),
    ),
    NanoCpus: cpus === undefined ? undefined : Math.round(cpus * nanoPerCpu),
    Memory: memory === undefined ? undefined : parseQuantity(memory),
    // What ended is replaced by another task, never started again.
    RestartPolicy: { Name: "no" },
  });
}

/** A port may be published several times. An empty HostPort: the engine chooses one. */
function bindingsOf(ports: readonly Port[]): JsonObject {
  const bindings: Record<string, { readonly HostPort: string }[]> = {};
  for (const port of ports) {
    const list = bindings[portKey(port)] ?? [];
    list.push({ HostPort: port.hostPort === undefined ? "" : String(port.hostPort) });
    bindings[portKey(port)] = list;
  }
  return bindings;
}

const withoutAbsent = (fields: JsonObject): JsonObject =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
