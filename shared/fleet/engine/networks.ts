/** The parts of the Engine port for networks and volumes, which are the engine's own: nothing crosses from one engine to another. */
import type { JsonObject } from "../../base/json.ts";
import type { Call, Filters } from "./call.ts";
import type { Answer } from "./json.ts";

export type EngineNetwork = Answer<{
  readonly Id: string;
  readonly Name: string;
  readonly Driver: string;
  readonly Scope: string;
  readonly Labels: Readonly<Record<string, string>> | null;
}>;

/** The body of Docker's network create; CheckDuplicate is always set, as newer engines do by themselves. */
export type NetworkCreate = Answer<{ readonly Name: string; readonly Driver?: string }>;

export interface EngineNetworks {
  list(filters?: Filters, call?: Call): Promise<readonly EngineNetwork[]>;
  /** By name or id. @throws NoSuchNetworkError */
  inspect(id: string, call?: Call): Promise<EngineNetwork>;
  /** @throws EngineError 409 when one of that name is there. */
  create(body: NetworkCreate, call?: Call): Promise<{ readonly Id: string }>;
  /** @throws NoSuchNetworkError; EngineError 403 while containers are attached. */
  remove(id: string, call?: Call): Promise<void>;
  /** `endpoint`: Docker's EndpointConfig. @throws NoSuchNetworkError, NoSuchContainerError */
  connect(id: string, container: string, endpoint?: JsonObject, call?: Call): Promise<void>;
  /** @throws NoSuchNetworkError, NoSuchContainerError */
  disconnect(id: string, container: string, options?: { readonly force?: boolean }, call?: Call): Promise<void>;
}

export type EngineVolume = Answer<{
  readonly Name: string;
  readonly Driver: string;
  readonly Mountpoint: string;
  readonly Labels: Readonly<Record<string, string>> | null;
}>;

export interface EngineVolumes {
  list(filters?: Filters, call?: Call): Promise<readonly EngineVolume[]>;
  /** @throws NoSuchVolumeError */
  inspect(name: string, call?: Call): Promise<EngineVolume>;
  /** One of that name and driver that is there already is the answer. */
  create(body: JsonObject, call?: Call): Promise<EngineVolume>;
  /** @throws NoSuchVolumeError; EngineError 409 while a container has it. */
  remove(name: string, options?: { readonly force?: boolean }, call?: Call): Promise<void>;
}
