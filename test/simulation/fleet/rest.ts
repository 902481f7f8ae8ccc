/** What must hold when nothing goes wrong any more: every service has its replicas, and objects and containers are the same. */
import type { SimulatedContainer } from "../../../shared/fleet/simulated/container.ts";
import type { Container } from "../../../shared/kinds/container.ts";
import type { Node } from "../../../shared/kinds/node.ts";
import type { Service } from "../../../shared/kinds/service.ts";
import type { Task } from "../../../shared/kinds/task.ts";
import type { Machine } from "./machine.ts";
import type { Monitor } from "./monitor.ts";
import { isOurNetwork, isOurs, taskUidOf } from "./subject.ts";

type Place = { readonly node: Node; readonly machine: Machine };

export function problems(monitor: Monitor): readonly string[] {
  const { objects, machines } = monitor;
  const places = objects.nodes.flatMap((node): Place[] => {
    const machine = machines.find(({ address }) => address === node.spec.address);
    return machine === undefined || machine.isDead ? [] : [{ node, machine }];
  });
  const wellOr = (node: Node): string => (places.some((place) => place.node === node) ? "ready" : "down");
  return [
    ...objects.nodes
      .filter(({ metadata }) => metadata.deletionTimestamp !== undefined)
      .map(({ metadata, status }) => `node ${metadata.name} is not removed: ${JSON.stringify(status?.conditions)}`),
    ...objects.nodes
      .filter((node) => node.status?.state !== wellOr(node))
      .map(({ metadata, status }) => `node ${metadata.name} is ${status?.state}: ${status?.message}`),
    ...objects.services.flatMap((service) => ofService(service, monitor, places)),
    ...objects.tasks.flatMap((task) => ofTask(task, places)),
    ...places.flatMap((place) => [...ofPlace(place, monitor), ...ofNetworks(place, monitor)]),
    ...objects.containers.flatMap((container) => ofObject(container, monitor, places)),
    ...lostOfUsers(monitor),
  ];
}

const isRunning = ({ spec, status }: Task): boolean => status?.state === "running" && spec.desiredState === "running";
const nameOf = ({ name, id }: SimulatedContainer): string => `${name} (${id.slice(0, 12)})`;

function ofService(service: Service, { objects }: Monitor, places: readonly Place[]): readonly string[] {
  const { metadata, spec, status } = service;
  const running = objects.tasks.filter((task) => task.spec.serviceName === metadata.name && isRunning(task));
  const fitting = places.filter(({ node }) => fits(service, node));
  const active = fitting.filter(({ node }) => node.spec.availability === "active");
  const wrong: string[] = [];
  const expect = (least: number, most: number, where: string, found: number) => {
    if (found < least || found > most)
      wrong.push(`service ${metadata.name} runs ${found} times ${where}, not ${least} to ${most}`);
  };
  if (spec.mode === "global") {
    for (const { node } of places) {
      const most = fits(service, node) && node.spec.availability !== "drain" ? 1 : 0;
      const least = most === 1 && node.spec.availability === "active" ? 1 : 0;
      expect(least, most, `on ${node.metadata.name}`, running.filter((task) => task.spec.nodeName === node.metadata.name).length);
    }
  } else {
    const each = spec.template.spec.placement?.maxReplicas || Number.POSITIVE_INFINITY;
    const least = active.length === 0 ? 0 : Math.min(spec.replicas, each * active.length);
    expect(least, spec.replicas, "in all", running.length);
  }
  if (isUnderway(service) && active.length === places.length && mayGoOn(service, active.length))
    wrong.push(`the update of service ${metadata.name} does not end: ${status?.update?.message}`);
  // A global service's task on a node that takes no new ones stays as it is.
  const isStuck = ({ spec: { slot, nodeName } }: Task) =>
    slot === undefined && !active.some(({ node }) => node.metadata.name === nodeName);
  const isWhole = status?.update === undefined || ["completed", "rollback_completed"].includes(status.update.state);
  const others = isWhole
    ? running.filter((task) => !isStuck(task) && task.spec.template.spec.image !== spec.template.spec.image)
    : [];
  if (others.length > 0) wrong.push(`service ${metadata.name} has ${others.length} tasks of another image`);
  return wrong;
}

const isUnderway = ({ status }: Service): boolean =>
  status?.update?.state === "updating" || status?.update?.state === "rollback_started";

/** Each replica has its room, and who starts the new one first has room for both. */
function mayGoOn({ spec }: Service, nodes: number): boolean {
  const each = spec.template.spec.placement?.maxReplicas ?? 0;
  if (nodes === 0) return false;
  return each === 0 || (spec.update.order === "stop-first" && spec.replicas <= each * nodes);
}

const fits = ({ spec }: Service, { metadata }: Node): boolean =>
  (spec.template.spec.constraints ?? []).every((text) => text === `node.labels.zone==${metadata.labels?.["zone"]}`);

/** One that runs has one container, which runs; any other has none that does. */
function ofTask(task: Task, places: readonly Place[]): readonly string[] {
  const { uid, name } = task.metadata;
  const running = places.flatMap(({ node, machine }) =>
    machine.containers.filter((one) => one.isRunning && isOurs(one) && taskUidOf(one) === uid).map((one) => ({ node, one })),
  );
  const wanted = isRunning(task) ? 1 : 0;
  if (running.length !== wanted) return [`task ${name} (${task.status?.state}) has ${running.length} containers that run`];
  const [first] = running;
  if (first !== undefined && first.node.metadata.name !== task.spec.nodeName)
    return [`task ${name} runs on ${first.node.metadata.name}`];
  return [];
}

/** Each container of a node has its object, which shows it as it is. */
function ofPlace({ node, machine }: Place, { objects }: Monitor): readonly string[] {
  return machine.containers.flatMap((container) => {
    const found = objects.containers.filter(({ status }) => status?.containerId === container.id);
    const [object] = found;
    if (object === undefined) return [`container ${nameOf(container)} on ${node.metadata.name} has no object`];
    if (found.length > 1) return [`container ${nameOf(container)} has ${found.length} objects`];
    const { spec, status } = object;
    const wrong: string[] = [];
    if (spec.nodeName !== node.metadata.name) wrong.push(`is shown on ${spec.nodeName}`);
    if ((spec.origin !== "foreign") !== isOurs(container)) wrong.push(`is shown as ${spec.origin}`);
    if (spec.attempt !== undefined && spec.attempt.id !== container.name)
      wrong.push(`is of another attempt than ${spec.attempt.id}`);
    if (status?.state !== container.state) wrong.push(`is ${container.state} and shown as ${status?.state}`);
    if (container.state === "exited" && status?.exitCode !== container.exitCode)
      wrong.push(`is shown with exit code ${status?.exitCode}`);
    return wrong.map((text) => `container ${nameOf(container)} on ${node.metadata.name} ${text}`);
  });
}

/** Each node has the networks that its tasks need, and no other of ours. */
function ofNetworks({ node, machine }: Place, { objects }: Monitor): readonly string[] {
  const { name } = node.metadata;
  const running = objects.tasks.filter((task) => task.spec.nodeName === name && isRunning(task));
  const needed = new Set(running.flatMap(({ spec }) => spec.template.spec.networks ?? []));
  const there = [...machine.engine.world.networks.values()]
    .filter(({ network }) => isOurNetwork(network))
    .map(({ network }) => network.Name);
  return [
    ...[...needed].filter((each) => !there.includes(each)).map((each) => `network ${each} is not on ${name}`),
    ...there.filter((each) => !needed.has(each)).map((each) => `network ${each} is on ${name}, and nobody needs it`),
  ];
}

/** Each object of a node that answers has its container; those that people made outlive their node. */
function ofObject({ metadata, spec, status }: Container, { objects }: Monitor, places: readonly Place[]): readonly string[] {
  const place = places.find(({ node }) => node.metadata.name === spec.nodeName);
  if (place === undefined) {
    if (spec.origin !== "user" && objects.node(spec.nodeName) === undefined)
      return [`object ${metadata.name} (${spec.origin}) is of no node`];
    return status?.state === "lost" ? [] : [`object ${metadata.name} of no node is ${status?.state}`];
  }
  if (place.machine.engine.world.containers.has(status?.containerId ?? "")) return [];
  return [`object ${metadata.name} (${spec.origin}, ${status?.state}) has no container on ${spec.nodeName}`];
}

/** What was told to be made is there, unless somebody else took it away. */
function lostOfUsers({ acknowledged, unwanted, machines }: Monitor): readonly string[] {
  return [...acknowledged]
    .filter(
      (id) => !unwanted.has(id) && !machines.some(({ engine, touched }) => engine.world.containers.has(id) || touched.has(id)),
    )
    .map((id) => `a user's container ${id.slice(0, 12)} is gone`);
}
