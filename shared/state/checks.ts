/** Swarmkit's documented check functions. The specified object comes first, the event's second. */
import type { Cluster } from "../kinds/cluster.ts";
import type { Network } from "../kinds/network.ts";
import type { Node } from "../kinds/node.ts";
import type { WindlassObject } from "../kinds/object.ts";
import type { Service } from "../kinds/service.ts";
import { type Task, taskStateRank } from "../kinds/task.ts";
import type { Check, Specified } from "./event.ts";
import { byId, byNode, byService, type Selector } from "./selector.ts";

type Checked<O> = Check<Specified<O>>;

/** `check`, with the selector that holds whatever passes it. */
function indexed<O>(check: Checked<O>, selector: (specified: Specified<O>) => Selector | undefined): Checked<O> {
  return Object.assign(check, { selector: (specified: Specified<O>) => selector(specified) ?? [] });
}

function checkId<O extends WindlassObject>(): Checked<O> {
  const uid = (object: Specified<O>) => (object as Specified<WindlassObject>).metadata?.uid;
  return indexed<O>(
    (specified, actual) => uid(specified) === uid(actual),
    (specified) => idSelector(uid(specified)),
  );
}
const idSelector = (uid: string | undefined): Selector | undefined => (uid === undefined ? undefined : byId(uid));

export const clusterCheckId: Checked<Cluster> = checkId<Cluster>();
export const networkCheckId: Checked<Network> = checkId<Network>();
export const nodeCheckId: Checked<Node> = checkId<Node>();
export const serviceCheckId: Checked<Service> = checkId<Service>();
export const taskCheckId: Checked<Task> = checkId<Task>();

/** Equal status.state. */
export const nodeCheckState: Checked<Node> = (specified, actual) => specified.status?.state === actual.status?.state;

/** Equal spec.nodeName. */
export const taskCheckNodeId: Checked<Task> = indexed<Task>(
  (specified, actual) => specified.spec?.nodeName === actual.spec?.nodeName,
  ({ spec }) => (spec?.nodeName === undefined || spec.nodeName === "" ? undefined : byNode(spec.nodeName)),
);

/** Equal namespace and spec.serviceName. */
export const taskCheckServiceId: Checked<Task> = indexed<Task>(
  (specified, actual) => serviceOf(specified) === serviceOf(actual),
  (specified) => (specified.spec?.serviceName ? byService(serviceOf(specified)) : undefined),
);
const serviceOf = ({ metadata, spec }: Specified<Task>): string =>
  `${metadata?.namespace ?? "default"}/${spec?.serviceName ?? ""}`;

/** The event's status.state comes after the specified one in swarmkit's order. */
export const taskCheckStateGreaterThan: Checked<Task> = (specified, actual) => rank(actual) > rank(specified);
const rank = ({ status }: Specified<Task>): number => (status?.state === undefined ? -1 : taskStateRank(status.state));
