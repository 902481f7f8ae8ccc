/**
 * What is to be done with a cluster's services and tasks: a pure function of what is there and the time. It is level-triggered: it may
 * be asked at any moment, twice, or by two at once; what it asks for is carried out only where it still fits (actions.ts).
 */
import type { Service } from "../../kinds/service.ts";
import type { Task } from "../../kinds/task.ts";
import { Placement } from "../placement/placement.ts";
import type { Decision } from "./actions.ts";
import { tellDrains } from "./drain.ts";
import { Fates } from "./fate.ts";
import { Plan } from "./plan.ts";
import { endTasks, holdNodes } from "./removal.ts";
import { decideService } from "./service.ts";
import { hasAffinities, settle } from "./settle.ts";
import { defaultPolicy, isOver, isWanted, ownerKeyOf, type Policy, serviceKeyOf, type World } from "./world.ts";

export function decide(world: World, policy: Policy = defaultPolicy): Decision {
  const { now, nodes } = world;
  const plan = new Plan();
  const fates = new Fates(world, policy);
  const { strategy, seed } = policy;
  const placement = new Placement({ nodes, strategy, seed, hasAffinities: hasAffinities(world), now });
  const services = new Map(world.services.filter(isAlive).map((service) => [serviceKeyOf(service), service]));
  const { owned, alone } = sorted(world.tasks, services);
  for (const [key, service] of services) {
    const eligible = service.spec.mode === "global" ? placement.eligible({ service: key, template: service.spec.template }) : [];
    decideService({ service, tasks: owned.get(key) ?? [], nodes: eligible, plan, fates, policy, now });
  }
  for (const task of alone) decideAlone(task, plan, fates);
  endTasks(world, plan, fates);
  settle({ world, plan, placement, policy, services });
  tellDrains(world, plan);
  holdNodes(world, plan, fates);
  return { actions: plan.actions(), wakeAt: plan.wakeAt, isWaiting: plan.isWaiting };
}

/** One whose deletion was asked for makes nothing new; the collector takes its tasks. */
const isAlive = ({ metadata }: Service): boolean => metadata.deletionTimestamp === undefined;

/** Whether a task is of this service and not of a former one of its name. */
export function isTaskOf({ metadata }: Task, service: Service): boolean {
  const owner = metadata.ownerReferences?.find(({ controller }) => controller === true);
  return owner === undefined || owner.uid === service.metadata.uid;
}

function sorted(tasks: readonly Task[], services: ReadonlyMap<string, Service>) {
  const owned = new Map<string, Task[]>();
  const alone: Task[] = [];
  for (const task of tasks) {
    const key = ownerKeyOf(task);
    const service = key === undefined ? undefined : services.get(key);
    if (key === undefined || service === undefined || !isTaskOf(task, service)) {
      alone.push(task);
      continue;
    }
    const list = owned.get(key);
    if (list === undefined) owned.set(key, [task]);
    else list.push(task);
  }
  return { owned, alone };
}

/** A task that no service looks after runs once, where it was put: it neither moves nor restarts. */
function decideAlone(task: Task, plan: Plan, fates: Fates): void {
  const fate = fates.of(task);
  if (isOver(task)) {
    if (task.spec.desiredState === "remove" || fates.isLeaving(task)) plan.delete(task);
    return;
  }
  if (fate.kind === "lost") plan.end(task, { desiredState: "shutdown", why: fate.why, isLost: true });
  else if (fate.kind === "unfit" && isWanted(task)) plan.end(task, { desiredState: "shutdown", why: fate.why });
  else if (fate.kind === "fine" && fate.until !== undefined) plan.wake(fate.until);
}
