/** Valid objects of the built-in kinds, as callers give them to the store, for suites and benches. */
import type { Network } from "../../shared/kinds/network.ts";
import { networkKind } from "../../shared/kinds/network.ts";
import { type Node, nodeKind } from "../../shared/kinds/node.ts";
import { apiVersion, type ObjectInput } from "../../shared/kinds/object.ts";
import { type Service, serviceKind } from "../../shared/kinds/service.ts";
import { type Task, type TaskState, taskKind } from "../../shared/kinds/task.ts";

export function node(
  name: string,
  spec: Partial<Node["spec"]> = {},
  metadata: Partial<Node["metadata"]> = {},
): ObjectInput<Node> {
  const parsed = nodeKind.spec.parse({ address: "tcp://127.0.0.1:2375", ...spec });
  return { apiVersion, kind: "Node", metadata: { name, ...metadata }, spec: parsed };
}

export function network(name: string): ObjectInput<Network> {
  return { apiVersion, kind: "Network", metadata: { name }, spec: networkKind.spec.parse({}) };
}

export function service(name: string, networks: readonly string[] = [], namespace = "default"): ObjectInput<Service> {
  const spec = serviceKind.spec.parse({ template: { spec: { image: "busybox:latest", networks } } });
  return { apiVersion, kind: "Service", metadata: { name, namespace }, spec };
}

export type TaskOptions = {
  readonly service?: string;
  readonly node?: string;
  readonly slot?: number;
  readonly desired?: TaskState;
  readonly state?: TaskState;
  readonly networks?: readonly string[];
  readonly namespace?: string;
};

export function task(name: string, options: TaskOptions = {}): ObjectInput<Task> {
  const {
    service: serviceName,
    node: nodeName,
    slot,
    desired = "running",
    state,
    networks = [],
    namespace = "default",
  } = options;
  const template = { spec: { image: "busybox:latest", networks } };
  const spec = taskKind.spec.parse({ serviceName, nodeName, slot, desiredState: desired, template });
  return {
    apiVersion,
    kind: "Task",
    metadata: { name, namespace },
    spec,
    ...(state !== undefined && { status: taskKind.status.parse({ state }) }),
  };
}
