/**
 * The default scheduler: the rules and strategies that place tasks, asked for one container. What is on the nodes counts: tasks with
 * their reservations, and containers that people made, with theirs, from the moment they are to be made.
 */
import type { Node } from "../../kinds/node.ts";
import { type Template, templateSchema } from "../../kinds/template.ts";
import { all, byAnyStanding, byNode, byStanding } from "../../state/selector.ts";
import type { Transaction } from "../../state/transaction.ts";
import { demandOf } from "../placement/demand.ts";
import { Placement } from "../placement/placement.ts";
import { standingOf } from "../placement/standing.ts";
import type { Strategy, StrategyName } from "../placement/strategies.ts";
import { isAssigned, isOver, isWanted, ownerKeyOf } from "../reconcile/world.ts";
import { wantsOf } from "./demands.ts";
import { InvalidOptionError, NoNodesError } from "./errors.ts";
import type { ScheduleRequest, Scheduler } from "./scheduler.ts";

export type PlacementSchedulerOptions = {
  /** Where the caller's options name none. Default: spread. */
  readonly strategy?: StrategyName | Strategy;
  /** A number in [0, 1), for random placement. */
  readonly random: () => number;
};

/** What a caller may give: as in a Service's template. */
const optionNames = ["constraints", "affinities", "strategy", "preferences", "maxReplicas", "platforms"] as const;

export class PlacementScheduler implements Scheduler {
  readonly #strategy: StrategyName | Strategy;
  readonly #random: () => number;
  /** For round robin among the nodes. */
  #last: string | undefined;

  constructor({ strategy = "spread", random }: PlacementSchedulerOptions) {
    this.#strategy = strategy;
    this.#random = random;
  }

  async schedule(request: ScheduleRequest): Promise<Node> {
    const template = templateOf(request);
    const { nodes, avoid } = request;
    const fresh = nodes.filter(({ metadata }) => !avoid.has(metadata.name));
    const seed = Math.floor(this.#random() * 2 ** 32);
    const { value } = await request.store.view((transaction) => {
      const first = this.#place({ transaction, template, nodes: fresh, seed, request });
      return first.nodes.length > 0 || avoid.size === 0 ? first : this.#place({ transaction, template, nodes, seed, request });
    });
    const node = nodes.find(({ metadata }) => metadata.name === value.nodes[0]);
    if (node === undefined) throw new NoNodesError(value.refusal ?? "no suitable node");
    this.#last = node.metadata.name;
    return node;
  }

  /** Only what fills a node counts: its constraints it met a moment ago. */
  admits(transaction: Transaction, { metadata: { name } }: Node, request: ScheduleRequest): boolean {
    const template = templateOf(request);
    const { nanoCpus, memoryBytes, hostPorts } = demandOf(template);
    if (nanoCpus === 0 && memoryBytes === 0 && hostPorts.length === 0) return true;
    const current = transaction.nodes.get(name);
    if (current === undefined) return false;
    const placement = new Placement({ nodes: [current], strategy: this.#strategy, seed: 0, hasAffinities: false });
    settle(placement, transaction, { of: name, request });
    return placement.admit({ service: alone, template }, name) === undefined;
  }

  #place({ transaction, template, nodes, seed, request }: PlaceOptions): ReturnType<Placement["place"]> {
    const hasAffinities = demandOf(template).affinities.length > 0;
    const placement = new Placement({ nodes, strategy: this.#strategy, seed, hasAffinities });
    settle(placement, transaction, { request });
    if (this.#last !== undefined) placement.follow(alone, this.#last);
    return placement.place({ service: alone, template }, 1);
  }
}

type PlaceOptions = {
  readonly transaction: Transaction;
  readonly template: Template;
  readonly nodes: readonly Node[];
  readonly seed: number;
  readonly request: ScheduleRequest;
};

/** Containers without a service share one place in the turns of a round robin. No service's key is empty. */
const alone = "";

/** `of`: only what is on that node. */
function settle(
  placement: Placement,
  { tasks, containers }: Transaction,
  { of, request }: { readonly of?: string; readonly request: ScheduleRequest },
): void {
  for (const task of tasks.find(of === undefined ? all : byNode(of))) {
    const room = isAssigned(task) && !isOver(task) ? placement.room(task.spec.nodeName ?? "") : undefined;
    if (room === undefined) continue;
    const tenant = { service: ownerKeyOf(task), template: task.spec.template };
    room.hold(tenant);
    if (isWanted(task)) room.join(tenant);
  }
  const { namespace, name } = request.object;
  for (const container of containers.find(of === undefined ? byAnyStanding : byStanding(of))) {
    if (container.metadata.name === name && container.metadata.namespace === namespace) continue;
    const { nodeName, tenant } = standingOf(container);
    placement.room(nodeName)?.take(tenant);
  }
}

/** @throws InvalidOptionError that names the option. */
function templateOf({ body, options }: ScheduleRequest): Template {
  if (options !== undefined && (typeof options !== "object" || options === null))
    throw new InvalidOptionError("schedulerOptions", "must be an object");
  const given = (options ?? {}) as Readonly<Record<string, unknown>>;
  const unknown = Object.keys(given).find((name) => !(optionNames as readonly string[]).includes(name));
  if (unknown !== undefined) throw new InvalidOptionError(`schedulerOptions.${unknown}`, `is none of ${optionNames.join(", ")}`);
  const { constraints, affinities, ...placement } = given;
  const spec = {
    ...wantsOf(body),
    ...(constraints !== undefined && { constraints }),
    ...(affinities !== undefined && { affinities }),
  };
  const parsed = templateSchema.safeParse({ spec: { ...spec, placement } });
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const path = (issue?.path ?? []).slice(1).filter((part) => part !== "placement");
  const place = optionNames.includes(path[0] as (typeof optionNames)[number]) ? ["schedulerOptions", ...path] : ["body", ...path];
  throw new InvalidOptionError(place.join("."), issue?.message ?? "is not valid");
}
