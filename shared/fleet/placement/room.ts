/** What one node has left and what it carries, as placement fills it: numbers that a round starts from the tasks that are there. */
import type { Constraint } from "../../kinds/constraint.ts";
import type { Node } from "../../kinds/node.ts";
import type { Template } from "../../kinds/template.ts";
import { type Demand, demandOf, nanoCpusOf } from "./demand.ts";

/** Something to be placed, or that was: of a service (its key, `namespace/name`), or standing alone. */
export type Tenant = { readonly service: string | undefined; readonly template: Template };

export type RoomOptions = { readonly index: number; readonly hasTraits: boolean; readonly isClosed?: boolean };

export class Room {
  readonly node: Node;
  /** It takes nothing new for a time. */
  readonly isClosed: boolean;
  /** Among the nodes in the order of their names: the last word where nothing else decides. */
  readonly index: number;
  /** Left for reservations; infinite where the engine has not told what the machine has. */
  nanoCpusLeft: number;
  memoryBytesLeft: number;
  /** Tasks that are meant to run here. */
  tasks = 0;
  readonly #services = new Map<string, number>();
  readonly #ports = new Map<string, number>();
  readonly #failures = new Map<string, number>();
  /** What affinities ask for, as `service=web`, `image=…`, `labels.env=prod`; kept only where somebody asks. */
  readonly #traits: Map<string, number> | undefined;

  constructor(node: Node, { index, hasTraits, isClosed = false }: RoomOptions) {
    const { cpus, memory } = node.status?.engine?.resources ?? {};
    this.node = node;
    this.index = index;
    this.isClosed = isClosed;
    this.nanoCpusLeft = nanoCpusOf(cpus) ?? Number.POSITIVE_INFINITY;
    this.memoryBytesLeft = memory ?? Number.POSITIVE_INFINITY;
    this.#traits = hasTraits ? new Map() : undefined;
  }

  /** A task that holds its reservations and ports here, also while it stops. */
  hold({ template }: Tenant): void {
    const { nanoCpus, memoryBytes, hostPorts } = demandOf(template);
    this.nanoCpusLeft -= nanoCpus;
    this.memoryBytesLeft -= memoryBytes;
    for (const port of hostPorts) count(this.#ports, port);
  }

  /** A task that is meant to run here. */
  join(tenant: Tenant): void {
    this.tasks += 1;
    if (tenant.service !== undefined) count(this.#services, tenant.service);
    if (this.#traits !== undefined) for (const trait of traitsOf(tenant)) count(this.#traits, trait);
  }

  /** Both: what is put here, or stands here. */
  take(tenant: Tenant): void {
    this.hold(tenant);
    this.join(tenant);
  }

  /** One that was held is over. */
  release({ template }: Tenant): void {
    const { nanoCpus, memoryBytes, hostPorts } = demandOf(template);
    this.nanoCpusLeft += nanoCpus;
    this.memoryBytesLeft += memoryBytes;
    for (const port of hostPorts) discount(this.#ports, port);
  }

  /** One that joined is meant to run here no more. */
  leave(tenant: Tenant): void {
    this.tasks -= 1;
    if (tenant.service !== undefined) discount(this.#services, tenant.service);
    if (this.#traits !== undefined) for (const trait of traitsOf(tenant)) discount(this.#traits, trait);
  }

  /** A task of the service failed here not long ago. */
  fail(service: string): void {
    count(this.#failures, service);
  }

  tasksOf(service: string | undefined): number {
    return service === undefined ? 0 : (this.#services.get(service) ?? 0);
  }

  failuresOf(service: string | undefined): number {
    return service === undefined ? 0 : (this.#failures.get(service) ?? 0);
  }

  /** What a reservation lacks. */
  lacks({ nanoCpus, memoryBytes }: Demand): "cpus" | "memory" | undefined {
    if (nanoCpus > 0 && nanoCpus > this.nanoCpusLeft) return "cpus";
    return memoryBytes > 0 && memoryBytes > this.memoryBytesLeft ? "memory" : undefined;
  }

  hasPort(ports: readonly string[]): boolean {
    return ports.some((port) => this.#ports.has(port));
  }

  /** How many of the affinities the node does not meet now. */
  misses(affinities: readonly Constraint[]): number {
    let missed = 0;
    for (const { key, operator, value } of affinities) {
      if ((this.#traits?.has(`${key}=${value}`) ?? false) !== (operator === "==")) missed += 1;
    }
    return missed;
  }

  /** The share of the machine that is reserved, 0 to 2: of its CPUs and of its memory. */
  get fill(): number {
    const { cpus, memory } = this.node.status?.engine?.resources ?? {};
    return shareOf(nanoCpusOf(cpus), this.nanoCpusLeft) + shareOf(memory, this.memoryBytesLeft);
  }
}

function traitsOf({ service, template }: Tenant): string[] {
  const { labels = {} } = template.metadata ?? {};
  // A service is named by those of its own namespace mostly, and by its whole key where names repeat.
  const names = service === undefined ? [] : [service, service.slice(service.indexOf("/") + 1)];
  return [
    ...names.map((name) => `service=${name}`),
    `image=${template.spec.image}`,
    ...Object.entries(labels).map(([name, value]) => `labels.${name}=${value}`),
  ];
}

function count(counts: Map<string, number>, key: string): void {
  counts.set(key, (counts.get(key) ?? 0) + 1);
}

/** Who asks only whether there is one must not find a zero. */
function discount(counts: Map<string, number>, key: string): void {
  const left = (counts.get(key) ?? 0) - 1;
  if (left > 0) counts.set(key, left);
  else counts.delete(key);
}

const shareOf = (all: number | undefined, left: number): number => (all === undefined || all === 0 ? 0 : (all - left) / all);
