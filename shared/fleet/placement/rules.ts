/**
 * The rules that a node must pass to take a task: each small, and able to say why it refused. swarmkit's filters, in its order of
 * cheapness; a node that several refuse is counted for the first.
 */
import type { Node } from "../../kinds/node.ts";
import { isLeaving } from "../nodes/status.ts";
import { meetsAll, normalArchitecture } from "./constraints.ts";
import { type Demand, demandOf } from "./demand.ts";
import type { Room, Tenant } from "./room.ts";

export type Rule = {
  readonly name: string;
  /** steady: what it says does not change while tasks are placed; passing: nor that, but those that are there already stay. */
  readonly kind: "steady" | "passing" | "changing";
  /** Whether it can refuse such a tenant anywhere: others are not asked. */
  readonly concerns: (demand: Demand) => boolean;
  readonly refuses: (room: Room, tenant: Tenant, demand: Demand) => boolean;
  /** What is told of the nodes it refused, of which there is at least one. */
  readonly explain: (nodes: number) => string;
};

const always = (): boolean => true;
const onNodes = (nodes: number): string => (nodes === 1 ? "on 1 node" : `on ${nodes} nodes`);
const nodesAre = (nodes: number, what: string): string => (nodes === 1 ? `1 node ${what}` : `${nodes} nodes ${what}`);

const rules: readonly Rule[] = [
  {
    name: "removal",
    kind: "steady",
    concerns: always,
    refuses: ({ node }) => isLeaving(node),
    explain: (nodes) => nodesAre(nodes, "being removed"),
  },
  {
    name: "membership",
    kind: "steady",
    concerns: always,
    refuses: ({ node }) => node.spec.membership !== "accepted",
    explain: (nodes) => nodesAre(nodes, "not accepted"),
  },
  {
    name: "availability",
    kind: "steady",
    concerns: always,
    refuses: ({ node }) => node.spec.availability !== "active",
    explain: (nodes) => nodesAre(nodes, "not available for new tasks (pause or drain)"),
  },
  {
    name: "health",
    kind: "steady",
    concerns: always,
    refuses: ({ node }) => node.status?.state !== "ready",
    explain: (nodes) => nodesAre(nodes, "not ready"),
  },
  {
    name: "disabled",
    kind: "passing",
    concerns: always,
    refuses: ({ isClosed }) => isClosed,
    explain: (nodes) => nodesAre(nodes, "disabled for a time after failures"),
  },
  {
    name: "platform",
    kind: "steady",
    concerns: ({ placement }) => (placement?.platforms ?? []).length > 0,
    refuses: ({ node }, _, demand) => !runsOn(node, demand),
    explain: (nodes) => `unsupported platform ${onNodes(nodes)}`,
  },
  {
    name: "constraints",
    kind: "steady",
    concerns: ({ constraints }) => constraints.length > 0,
    refuses: ({ node }, _, { constraints }) => !meetsAll(node, constraints),
    explain: (nodes) => `scheduling constraints not satisfied ${onNodes(nodes)}`,
  },
  {
    name: "maxReplicas",
    kind: "changing",
    concerns: ({ placement }) => (placement?.maxReplicas ?? 0) > 0,
    refuses: (room, { service }, { placement }) => room.tasksOf(service) >= (placement?.maxReplicas ?? Number.POSITIVE_INFINITY),
    explain: (nodes) => `max replicas per node limit exceeded ${onNodes(nodes)}`,
  },
  {
    name: "ports",
    kind: "changing",
    concerns: ({ hostPorts }) => hostPorts.length > 0,
    refuses: (room, _, { hostPorts }) => room.hasPort(hostPorts),
    explain: (nodes) => `host port already in use ${onNodes(nodes)}`,
  },
  {
    name: "cpus",
    kind: "changing",
    concerns: ({ nanoCpus }) => nanoCpus > 0,
    refuses: (room, _, demand) => room.lacks(demand) === "cpus",
    explain: (nodes) => `insufficient cpus ${onNodes(nodes)}`,
  },
  {
    name: "memory",
    kind: "changing",
    concerns: ({ memoryBytes }) => memoryBytes > 0,
    refuses: (room, _, demand) => room.lacks(demand) === "memory",
    explain: (nodes) => `insufficient memory ${onNodes(nodes)}`,
  },
];

/** Those that can refuse such a tenant, of one kind or of all. */
export const rulesFor = (demand: Demand, kind?: Rule["kind"]): readonly Rule[] =>
  rules.filter((rule) => (kind === undefined || rule.kind === kind) && rule.concerns(demand));

/** The first rule that refuses. */
export function refusalOf(room: Room, tenant: Tenant, asked: readonly Rule[]): Rule | undefined {
  const demand = demandOf(tenant.template);
  return asked.find((rule) => rule.refuses(room, tenant, demand));
}

/** `no suitable node (2 nodes not ready; insufficient memory on 3 nodes)`, in the rules' order. */
export function explain(refused: ReadonlyMap<Rule, number>): string {
  const reasons = rules.flatMap((rule) => {
    const nodes = refused.get(rule) ?? 0;
    return nodes === 0 ? [] : [rule.explain(nodes)];
  });
  return reasons.length === 0 ? "no suitable node (there are no nodes)" : `no suitable node (${reasons.join("; ")})`;
}

/** An engine that has not told its platform refuses nothing. */
function runsOn(node: Node, { placement }: Demand): boolean {
  const platform = node.status?.engine?.platform;
  if (platform === undefined) return true;
  return (placement?.platforms ?? []).some(
    ({ os, architecture }) =>
      (os === undefined || os.toLowerCase() === platform.os?.toLowerCase()) &&
      (architecture === undefined || normalArchitecture(architecture) === normalArchitecture(platform.architecture ?? "")),
  );
}
