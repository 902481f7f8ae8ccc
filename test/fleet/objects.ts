/** Objects as a store would hold them, for rules and decisions that are asked without one. */
import { timestamp } from "../../shared/base/clock.ts";
import { deepFreeze } from "../../shared/base/json.ts";
import { tasksFinalizer } from "../../shared/fleet/reconcile/hold.ts";
import { type Node, nodeKind } from "../../shared/kinds/node.ts";
import { apiVersion } from "../../shared/kinds/object.ts";
import { type Service, serviceKind } from "../../shared/kinds/service.ts";
import { type Task, type TaskState, taskKind } from "../../shared/kinds/task.ts";
import type { Template } from "../../shared/kinds/template.ts";
import { templateSchema } from "../../shared/kinds/template.ts";

/** The time at which decisions are asked for. */
export const now = Date.UTC(2030, 0, 1);
export const ago = (seconds: number): string => timestamp(now - seconds * 1_000);

type Metadata = Partial<Service["metadata"]>;

const metadata = (name: string, given: Metadata = {}) => ({
  name,
  uid: `uid-${name}`,
  resourceVersion: "1000",
  generation: 1,
  creationTimestamp: ago(3_600),
  ...given,
});

export type NodeOptions = {
  readonly spec?: object;
  readonly labels?: Readonly<Record<string, string>>;
  readonly state?: "unknown" | "down" | "ready" | "disconnected";
  readonly since?: string;
  readonly disabledUntil?: string;
  readonly engine?: NonNullable<Node["status"]>["engine"];
  /** As a node has that was given tasks. */
  readonly finalizers?: readonly string[];
  /** When its deletion was asked for; absent: it was not. */
  readonly deleted?: string;
};

export function nodeAt(name: string, options: NodeOptions = {}): Node {
  const { spec = {}, labels, state = "ready", since, disabledUntil, engine, finalizers = [tasksFinalizer], deleted } = options;
  return deepFreeze({
    apiVersion,
    kind: "Node",
    metadata: metadata(name, {
      ...(labels && { labels }),
      ...(finalizers.length > 0 && { finalizers }),
      ...(deleted !== undefined && { deletionTimestamp: deleted }),
    }),
    spec: nodeKind.spec.parse({ address: "tcp://10.0.0.1:2375", ...spec }),
    status: nodeKind.status.parse({ state, since, disabledUntil, engine }),
  });
}

export const templateOf = (spec: object = {}, labels?: Readonly<Record<string, string>>): Template =>
  deepFreeze(templateSchema.parse({ ...(labels && { metadata: { labels } }), spec: { image: "busybox:1", ...spec } }));

export type ServiceOptions = {
  readonly spec?: object;
  readonly template?: Template;
  readonly status?: Service["status"];
  readonly metadata?: Metadata;
};

export function serviceAt(name: string, options: ServiceOptions = {}): Service {
  const { spec = {}, template = templateOf(), status } = options;
  const parsed = { ...serviceKind.spec.parse({ template, ...spec }), template };
  return deepFreeze({
    apiVersion,
    kind: "Service",
    metadata: { namespace: "default", ...metadata(name, options.metadata) },
    spec: parsed,
    ...(status !== undefined && { status }),
  });
}

export type TaskAtOptions = {
  readonly service?: Service;
  readonly slot?: number;
  readonly node?: string;
  readonly desired?: TaskState;
  readonly state?: TaskState;
  readonly since?: string;
  readonly startedAt?: string;
  readonly created?: string;
  readonly restarts?: number;
  readonly template?: Template;
  readonly exitCode?: number;
};

export function taskAt(name: string, options: TaskAtOptions = {}): Task {
  const { service, slot, node, desired = "running", state = "running", since, startedAt, restarts } = options;
  const template = options.template ?? service?.spec.template ?? templateOf();
  const spec = taskKind.spec.parse({
    serviceName: service?.metadata.name,
    slot,
    nodeName: node,
    desiredState: desired,
    restarts,
    template,
  });
  return deepFreeze({
    apiVersion,
    kind: "Task",
    metadata: { namespace: "default", ...metadata(name, { creationTimestamp: options.created ?? ago(3_600) }) },
    spec: { ...spec, template },
    status: taskKind.status.parse({ state, since, startedAt }),
  });
}
