/**
 * A row of `docker ps`, made of a Container object. Its texts are kept as long as the object is; only the status between them changes with
 * time, for in the first minute that is each second, and of 30,000 containers at once.
 */

import { isOwnNetwork } from "../../fleet/containers/own-networks.ts";
import type { Container } from "../../kinds/container.ts";
import type { Node } from "../../kinds/node.ts";
import { fleetNetworkId } from "../node-parts/fleet-networks.ts";
import { ageSeconds, isHiddenTwin, nodeRow, seenAddress } from "../nodes/node-row.ts";
import { type StatusParts, statusParts, statusText } from "./status-text.ts";

/** Containers that an engine has, or had: one that is still to be made has no id to be shown by. */
export type SeenContainer = Container & { readonly status: { readonly containerId: string } };

export const isSeen = (container: Container): container is SeenContainer => container.status?.containerId !== undefined;

/** Sizes of a container's files, where they were asked for. */
export type Sizes = { readonly SizeRw?: number; readonly SizeRootFs?: number };

export type Viewed = {
  /** The cluster's. */
  readonly uid: string;
  readonly node: Node | undefined;
  readonly nowMs: number;
  readonly sizes?: Sizes | undefined;
};

/** The row as it is now. */
function rowOf(container: SeenContainer, { uid, node, nowMs }: Viewed): Row {
  const age = node === undefined ? 0 : ageSeconds(node, nowMs);
  let row = rows.get(container);
  if (row === undefined || row.node !== node || row.age !== age) {
    row = makeRow(container, { uid, node, age });
    rows.set(container, row);
  }
  const status = statusText(row.parts, node, nowMs);
  if (status !== row.status) {
    row.status = status;
    row.json = jsonText(status);
  }
  return row;
}

/** The row as JSON. */
export function rowText(container: SeenContainer, viewed: Viewed): string {
  const { head, json, tail } = rowOf(container, viewed);
  const { sizes } = viewed;
  if (sizes === undefined) return head + json + tail;
  return `${head}${json}${tail.slice(0, -1)},"SizeRw":${sizes.SizeRw ?? 0},"SizeRootFs":${sizes.SizeRootFs ?? 0}}`;
}

/** The name that people use, with its slash: of a container that has none of the cluster's, the engine's with its node before it. */
export function shownName({ spec, status }: Container): string {
  if (spec.containerName !== undefined) return `/${spec.containerName}`;
  return `/${spec.nodeName}/${status?.engineName ?? status?.containerId?.slice(0, 12) ?? ""}`;
}

/** As classic Swarm listed them: with the node, which plain `docker ps` has no column for. Both forms find the container. */
export function listedName(container: Container): string {
  const name = shownName(container);
  return container.spec.containerName === undefined ? name : `/${container.spec.nodeName}${name}`;
}

/** As the engine says: of one that was lost, the last thing it can be called. */
export const shownState = ({ status }: Container): string =>
  status === undefined || status.state === "creating" ? "created" : status.state === "lost" ? "dead" : status.state;

/** Whether `docker ps` shows it without --all. */
export const isUp = ({ status }: Container): boolean =>
  status?.state === "running" || status?.state === "paused" || status?.state === "restarting";

/** Newest first; those of one second stay in the order they have. */
export function newestFirst(containers: readonly SeenContainer[]): SeenContainer[] {
  const count = containers.length;
  const times = Float64Array.from(containers, createdOf);
  const newest = times.reduce((most, time) => Math.max(most, time), 0);
  // One number of age and place each is sorted without a function to ask; of a million containers of 200 years it is still whole.
  const ranks = times.map((time, place) => (newest - time) * count + place).sort();
  return Array.from(ranks, (rank) => containers[rank % count] as SeenContainer);
}

/** A row's texts before and after its status, and that as it was shown last: `docker ps` of a minute later differs in nothing else. */
type Row = {
  readonly head: string;
  readonly tail: string;
  status: string;
  /** The status as JSON. */
  json: string;
  readonly parts: StatusParts;
  readonly node: Node | undefined;
  readonly age: number;
};

const rows = new WeakMap<Container, Row>();
/** Seconds since 1970. */
const created = new WeakMap<Container, number>();
const nodeTexts = new WeakMap<Node, string>();

type Around = { readonly uid: string; readonly node: Node | undefined; readonly age: number };

function makeRow(container: SeenContainer, { uid, node, age }: Around): Row {
  const { metadata, spec, status } = container;
  const networks = Object.entries(status.networks ?? {});
  const head = JSON.stringify({
    Id: status.containerId,
    Names: [listedName(container)],
    Image: spec.image,
    ImageID: status.imageId ?? "",
    Command: status.command ?? "",
    Created: createdOf(container),
    Ports: portRows(status.ports ?? [], node),
    Labels: status.labels ?? {},
    State: shownState(container),
    HostConfig: { NetworkMode: networks[0]?.[0] ?? "default" },
    NetworkSettings: {
      Networks: Object.fromEntries(networks.map(([name, IPAddress]) => [name, networkRow(name, IPAddress, uid)])),
    },
    Mounts: (status.mounts ?? []).map(mountRow),
  });
  const windlass = {
    Name: metadata.name,
    Namespace: metadata.namespace,
    Origin: spec.origin,
    Task: spec.taskName,
    Revision: revisionOf(container),
    Age: age,
  };
  const tail = `,"Node":${nodeText(node, container)},"Windlass":${JSON.stringify(windlass)}}`;
  return { head: `${head.slice(0, -1)},"Status":`, tail, status: "", json: '""', parts: statusParts(container), node, age };
}

function createdOf(container: Container): number {
  let seconds = created.get(container);
  if (seconds === undefined) {
    const { metadata, status } = container;
    seconds = Math.floor(Date.parse(status?.createdAt ?? metadata.creationTimestamp) / 1_000);
    created.set(container, seconds);
  }
  return seconds;
}

/** Nearly all statuses need no escapes. */
const jsonText = (text: string): string => (/^[\w ().:-]*$/.test(text) ? `"${text}"` : JSON.stringify(text));

/** A resourceVersion is a revision and, in three digits, a place in it. */
export const revisionOf = ({ metadata }: Container): number => Math.floor(Number(metadata.resourceVersion) / 1_000);

type Port = NonNullable<NonNullable<Container["status"]>["ports"]>[number];

type Mount = NonNullable<SeenContainer["status"]["mounts"]>[number];

const mountRow = ({ type, name, source, destination, driver, mode = "", isReadOnly = false }: Mount) => ({
  Type: type,
  ...(name !== undefined && { Name: name }),
  Source: source ?? "",
  Destination: destination,
  ...(driver !== undefined && { Driver: driver }),
  Mode: mode,
  RW: !isReadOnly,
  Propagation: "",
});

/** What compose compares with what it is told of the network. */
const networkRow = (name: string, IPAddress: string, uid: string) => ({
  IPAddress,
  ...(isOwnNetwork(name) && { NetworkID: fleetNetworkId(uid, name) }),
});

function portRows(ports: readonly Port[], node: Node | undefined): readonly object[] {
  const places = ports.map(({ hostIp, containerPort, protocol }) => ({ address: hostIp, port: `${containerPort}/${protocol}` }));
  return ports.flatMap((port, index) => {
    const place = places[index];
    return place !== undefined && isHiddenTwin(place, places) ? [] : [portRow(port, node)];
  });
}

const portRow = ({ hostIp, containerPort, hostPort, protocol }: Port, node: Node | undefined) => ({
  ...(hostIp !== undefined && { IP: seenAddress(hostIp, node) }),
  PrivatePort: containerPort,
  ...(hostPort !== undefined && { PublicPort: hostPort }),
  Type: protocol,
});

/** A node that is gone leaves its name. */
function nodeText(node: Node | undefined, { spec }: Container): string {
  if (node === undefined) return JSON.stringify({ ID: "", IP: "", Addr: "", Name: spec.nodeName });
  let text = nodeTexts.get(node);
  if (text === undefined) {
    text = JSON.stringify(nodeRow(node));
    nodeTexts.set(node, text);
  }
  return text;
}
