/**
 * What stands on nodes beside tasks: containers that people made or that were found there, as tenants. Every scheduler counts them by
 * this one reading, so that none gives away what another one's container holds. The kind says which they are (isStanding), and its index
 * finds them.
 */
import { type Container, isStanding } from "../../kinds/container.ts";
import { type Template, templateSchema } from "../../kinds/template.ts";
import type { Tenant } from "./room.ts";

/** It holds what it takes, and has a place among those that are meant to run on the node. */
export type Standing = { readonly nodeName: string; readonly tenant: Tenant };

type Port = NonNullable<Template["spec"]["ports"]>[number];

/** Whether it takes memory, CPUs or ports, and not only a place among the others: one that ends then makes room. */
export const takesRoom = (container: Container): boolean =>
  isStanding(container) &&
  (container.spec.reservations !== undefined || (container.status?.ports ?? []).some(({ hostPort }) => hostPort !== undefined));

/** Objects are frozen, and the same from one look to the next while they do not change. */
const known = new WeakMap<Container, Standing>();

/** Of a container that is standing. */
export function standingOf(container: Container): Standing {
  let standing = known.get(container);
  if (standing === undefined) {
    standing = { nodeName: container.spec.nodeName, tenant: { service: undefined, template: templateOf(container) } };
    known.set(container, standing);
  }
  return standing;
}

/** What a template has that asks for nothing. */
const plain = templateSchema.parse({ spec: { image: "any" } }).spec;

/** Not parsed: an engine's container may have anything as its image, and what it takes counts all the same. */
function templateOf({ spec, status }: Container): Template {
  const { memory, cpus, hostPorts = [] } = spec.reservations ?? {};
  // Those that the engine chose are known only from what it shows.
  const shown = (status?.ports ?? []).map(({ hostPort, protocol }) => `${hostPort ?? 0}/${protocol}`);
  const ports = [...new Set([...hostPorts, ...shown])].flatMap(portNamed);
  const reservations = { ...(memory !== undefined && { memory: String(memory) }), ...(cpus !== undefined && { cpus }) };
  return { spec: { ...plain, image: spec.image, resources: { reservations }, ports } };
}

/** Which port of the container it leads to does not count. */
function portNamed(text: string): Port[] {
  const [digits, protocol] = text.split("/");
  const hostPort = Number(digits);
  const isKnown = protocol === "tcp" || protocol === "udp" || protocol === "sctp";
  return isKnown && hostPort > 0 ? [{ containerPort: hostPort, hostPort, protocol }] : [];
}
