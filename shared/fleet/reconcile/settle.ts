/**
 * The end of a round: finds a node for whatever is to have one. Rooms are filled with what is there and stays, people's containers too;
 * then tasks that wait are placed, then those that the round makes. A task that fits nowhere stays pending and says which rule refused
 * how many nodes.
 */
import type { Service } from "../../kinds/service.ts";
import type { Task } from "../../kinds/task.ts";
import type { Template } from "../../kinds/template.ts";
import { demandOf } from "../placement/demand.ts";
import type { Placement } from "../placement/placement.ts";
import type { NewTask } from "./actions.ts";
import type { Plan } from "./plan.ts";
import { sameTemplate, templateHash } from "./template-hash.ts";
import { endedItself, isAssigned, ownerKeyOf, type Policy, serviceKeyOf, timeOf, type World } from "./world.ts";

/** swarmkit's: how long a failure keeps a service from coming back to the node. */
const failureMs = 300_000;

type Order = { readonly settle: (nodeName: string | undefined, why: string) => void };
type Group = { readonly service: string | undefined; readonly template: Template; readonly orders: Order[] };

export type SettleOptions = {
  readonly world: World;
  readonly plan: Plan;
  readonly placement: Placement;
  readonly policy: Policy;
  readonly services: ReadonlyMap<string, Service>;
};

export function settle(options: SettleOptions): void {
  const { placement, plan } = options;
  fillRooms(options);
  const groups = new Groups(options.services);
  for (const task of options.world.tasks)
    if (plan.isWanted(task) && !plan.isOver(task) && !isAssigned(task)) wait(task, groups, options);
  for (const create of plan.creates) order(create, groups, options);
  for (const { service, template, orders } of groups.all()) {
    const { nodes, refusal = "" } = placement.place({ service, template }, orders.length);
    for (const [index, { settle: tell }] of orders.entries()) tell(nodes[index], refusal);
  }
}

/** Affinities cost memory and time on every node; most worlds have none. */
export const hasAffinities = ({ services, tasks }: World): boolean =>
  services.some(({ spec }) => spec.template.spec.affinities !== undefined) ||
  tasks.some(({ spec }) => spec.template.spec.affinities !== undefined && spec.nodeName === undefined);

function fillRooms({ world, plan, placement, policy }: SettleOptions): void {
  const newest = new Map<string, Task>();
  for (const task of world.tasks) {
    const { nodeName, template } = task.spec;
    const room = nodeName === undefined ? undefined : placement.room(nodeName);
    if (nodeName === undefined || room === undefined) continue;
    const service = ownerKeyOf(task);
    if (isAssigned(task) && !plan.isOver(task)) {
      room.hold({ service, template });
      if (plan.isWanted(task)) room.join({ service, template });
    }
    if (service === undefined) continue;
    if (endedItself(task) && isRecent(task, world.now)) room.fail(service);
    if ((demandOf(template).placement?.strategy ?? policy.strategy) === "roundRobin") noteNewest(newest, service, task);
  }
  for (const { nodeName, tenant } of world.standing) placement.room(nodeName)?.take(tenant);
  for (const [service, { spec }] of newest) if (spec.nodeName !== undefined) placement.follow(service, spec.nodeName);
}

const isRecent = ({ status }: Task, now: number): boolean =>
  status?.state !== "complete" && now - timeOf(status?.since, 0) < failureMs;

function noteNewest(newest: Map<string, Task>, service: string, task: Task): void {
  const known = newest.get(service)?.metadata;
  const { creationTimestamp, resourceVersion } = task.metadata;
  const isNewer =
    known === undefined ||
    creationTimestamp > known.creationTimestamp ||
    (creationTimestamp === known.creationTimestamp && Number(resourceVersion) > Number(known.resourceVersion));
  if (isNewer) newest.set(service, task);
}

function wait(task: Task, groups: Groups, { plan, placement }: SettleOptions): void {
  const { nodeName, template } = task.spec;
  const service = ownerKeyOf(task);
  const tell = (found: string | undefined, why: string): void => {
    if (found !== undefined) {
      Object.assign(plan.change(task), { nodeName: found, state: "assigned", message: `assigned to node ${found}` });
      return;
    }
    plan.wait();
    if (task.status?.message !== why) Object.assign(plan.change(task), { state: "pending", message: why });
  };
  if (nodeName === undefined) {
    groups.add(service, template, { settle: tell });
    return;
  }
  const refusal = placement.admit({ service, template }, nodeName);
  tell(refusal === undefined ? nodeName : undefined, refusal ?? "");
}

function order(create: NewTask, groups: Groups, { plan, placement }: SettleOptions): void {
  const { place, template } = create;
  const service = serviceKeyOf(create.service);
  const tell = (found: string | undefined, why: string): void => {
    if (found !== undefined) {
      Object.assign(create, { nodeName: found, state: "assigned", message: `assigned to node ${found}` });
      return;
    }
    plan.wait();
    create.message = why;
  };
  if ("slot" in place) {
    groups.add(service, template, { settle: tell });
    return;
  }
  // A global service's task belongs to its node, also while it waits there for room.
  create.nodeName = place.nodeName;
  const refusal = placement.admit({ service, template }, place.nodeName);
  tell(refusal === undefined ? place.nodeName : undefined, refusal ?? "");
}

/** Orders of one service and template, in the order in which they came. */
class Groups {
  readonly #groups = new Map<string, Group>();
  readonly #services: ReadonlyMap<string, Service>;

  constructor(services: ReadonlyMap<string, Service>) {
    this.#services = services;
  }

  add(service: string | undefined, template: Template, added: Order): void {
    const current = service === undefined ? undefined : this.#services.get(service)?.spec.template;
    const isCurrent = current !== undefined && sameTemplate(template, current);
    // Nearly all are of the current template: it needs no hash.
    const key = isCurrent ? `${service}` : `${service ?? ""} ${templateHash(template)}`;
    const group = this.#groups.get(key);
    if (group === undefined) this.#groups.set(key, { service, template: isCurrent ? current : template, orders: [added] });
    else group.orders.push(added);
  }

  all(): Iterable<Group> {
    return this.#groups.values();
  }
}
