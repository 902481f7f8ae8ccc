/** One request on its way: what its handler needs, put together by DockerApi after it knows who asks and what for. */
import type { Principal } from "../access/access.ts";
import type { Clock } from "../base/clock.ts";
import type { Logger } from "../base/logger.ts";
import type { Ground } from "../fleet/fleet/ground.ts";
import type { Fleet } from "../fleet/fleet.ts";
import type { Params } from "../http/router.ts";
import type { Listeners } from "./events/listeners.ts";
import type { NameMemory } from "./events/name-memory.ts";
import type { DockerRequest } from "./exchange.ts";
import type { Place } from "./paths.ts";
import type { NodeVersions } from "./versions.ts";

/**
 * stream: bodies go both ways for as long as they like. buffer: an answer is sent when it is whole, so what has no end, or needs both
 * ways, is refused.
 */
export type Transport = "stream" | "buffer";

/** What all requests share. */
export type Front = {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly transport: Transport;
  /** Windlass's own version, as `docker version` shows it. */
  readonly release: string;
  readonly versions: NodeVersions;
  readonly listeners: Listeners;
  readonly names: NameMemory;
};

/** A cluster's fleet, and whoever keeps its objects as the engines are. */
export type ServedFleet = {
  readonly fleet: Fleet;
  /** Absent: objects follow later. */
  readonly agents?: Looker;
};

/** Makes a container's object what its engine shows now: of Agents. */
export type Looker = { look(nodeName: string, containerId: string): Promise<unknown> };

export type Call = {
  readonly front: Front;
  readonly fleet: Fleet;
  /** Of the fleet, when the call began: its store and engines. */
  readonly ground: Ground;
  readonly look: Looker["look"];
  readonly request: DockerRequest;
  readonly principal: Principal;
  readonly place: Place;
  /** The client's: the one it named, or the newest. */
  readonly version: string;
  readonly params: Params;
  readonly query: URLSearchParams;
  /** Aborts when the client has left, or its token is no longer good. */
  readonly signal: AbortSignal;
};
