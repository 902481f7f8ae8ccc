/** What a template asks of a node, in numbers and parsed once: what the rules compare with what a node has left. */
import { type Constraint, parseAffinity, parseConstraint } from "../../kinds/constraint.ts";
import { parseQuantity } from "../../kinds/quantity.ts";
import type { PlacementSpec, Template } from "../../kinds/template.ts";

export type Demand = {
  /** Billionths of a CPU, swarmkit's NanoCPUs: whole, so that sums come back to what they were. */
  readonly nanoCpus: number;
  readonly memoryBytes: number;
  /** The node's ports that it publishes on: `8080/tcp`. */
  readonly hostPorts: readonly string[];
  readonly constraints: readonly Constraint[];
  readonly affinities: readonly Constraint[];
  readonly placement: PlacementSpec | undefined;
};

const nanoPerCpu = 1e9;
/** Templates are frozen; thousands of tasks share few of them while they stay in memory. */
const demands = new WeakMap<Template, Demand>();

export function demandOf(template: Template): Demand {
  let demand = demands.get(template);
  if (demand === undefined) {
    demand = parse(template);
    demands.set(template, demand);
  }
  return demand;
}

function parse({ spec }: Template): Demand {
  const { cpus = 0, memory = "0" } = spec.resources?.reservations ?? {};
  return {
    nanoCpus: Math.round(cpus * nanoPerCpu),
    memoryBytes: parseQuantity(memory) ?? 0,
    hostPorts: (spec.ports ?? []).flatMap(({ hostPort, protocol }) =>
      hostPort === undefined ? [] : [`${hostPort}/${protocol}`],
    ),
    constraints: rules(spec.constraints, parseConstraint),
    affinities: rules(spec.affinities, parseAffinity),
    placement: spec.placement,
  };
}

/** The schema has refused what does not parse. */
function rules(texts: readonly string[] | undefined, read: (text: string) => Constraint | string): Constraint[] {
  return (texts ?? []).map(read).filter((rule) => typeof rule !== "string");
}

/** Of what a machine has; undefined where its engine has not told: what is not known refuses nothing. */
export const nanoCpusOf = (cpus: number | undefined): number | undefined =>
  cpus === undefined ? undefined : Math.round(cpus * nanoPerCpu);
