/**
 * The port Engine: what the fleet asks of one Docker engine. Docker's words for names, fields and states; the parts are small
 * interfaces in engine/.
 *
 * The contract, which test/conformance/engine.ts runs on every adapter:
 * - Every call ends: with its answer, with an error of engine-errors.ts, or with its signal's reason. Without `timeoutMs` the adapter's
 *   own time-out holds. A stream's time-out holds until it begins; `idleMs` bounds its silences.
 * - Streams carry back-pressure: what is not read is not taken from the engine. A caller leaves by ending the loop, by `destroy` or
 *   `close`, or by the signal, and the engine's side ends with it. Who gets a stream must read it or leave it.
 * - What the engine is asked to be and already is, is no error: start of a container that runs, stop of one that does not.
 * - Fields that these types do not name are passed on as the engine gave them.
 */
import type { Call, Filters, Rows, StreamCall } from "./engine/call.ts";
import type { EngineContainers } from "./engine/containers.ts";
import type { EngineExecs } from "./engine/execs.ts";
import type { EngineImages } from "./engine/images.ts";
import type { Answer } from "./engine/json.ts";
import type { EngineNetworks, EngineVolumes } from "./engine/networks.ts";
import type { EngineRaw } from "./engine/raw.ts";
import type { EngineRuns } from "./engine/runs.ts";
import type { ContainerStreams } from "./engine/streams.ts";
import type { ImageTransfers } from "./engine/transfers.ts";

export interface Engine extends AsyncDisposable {
  /** As the node's spec gives it: tcp://10.0.0.1:2376. For messages. */
  readonly address: string;
  readonly system: EngineSystem;
  readonly containers: EngineContainers;
  readonly runs: EngineRuns;
  readonly streams: ContainerStreams;
  readonly execs: EngineExecs;
  readonly images: EngineImages;
  readonly transfers: ImageTransfers;
  readonly networks: EngineNetworks;
  readonly volumes: EngineVolumes;
  readonly raw: EngineRaw;
}

export type Ping = {
  /** The newest API version that it speaks, like 1.41. */
  readonly ApiVersion: string;
};

export type EngineInfo = Answer<{
  /** The engine's own id; made with its data folder, so an engine that lost its data comes back with another. */
  readonly ID: string;
  /** The machine's name. */
  readonly Name: string;
  readonly ServerVersion: string;
  readonly OSType: string;
  readonly Architecture: string;
  readonly NCPU: number;
  /** Bytes. */
  readonly MemTotal: number;
  readonly Containers: number;
  readonly ContainersRunning: number;
  readonly ContainersPaused: number;
  readonly ContainersStopped: number;
  readonly Images: number;
  /** `key=value`, as the engine was started with. */
  readonly Labels: readonly string[] | null;
}>;

export type EngineVersion = Answer<{
  readonly Version: string;
  readonly ApiVersion: string;
  readonly MinAPIVersion: string;
  readonly Os: string;
  readonly Arch: string;
}>;

export type EngineEvent = Answer<{
  /** container, image, network, volume, … */
  readonly Type: string;
  /** create, start, die, … */
  readonly Action: string;
  readonly Actor: Answer<{ readonly ID: string; readonly Attributes?: Readonly<Record<string, string>> | null }>;
  /** Seconds since 1970. */
  readonly time: number;
  readonly timeNano: number;
}>;

export type EventOptions = {
  /** Events from then on that the engine still has come first: seconds since 1970, with a fraction if need be. Absent: from now. */
  readonly since?: string;
  /** The stream ends with the events of then. Absent: it goes on. */
  readonly until?: string;
  readonly filters?: Filters;
};

export interface EngineSystem {
  ping(call?: Call): Promise<Ping>;
  info(call?: Call): Promise<EngineInfo>;
  version(call?: Call): Promise<EngineVersion>;
  /** An engine that restarts ends the stream, with EngineCutError where it could not say goodbye: list anew, then listen anew. */
  events(options?: EventOptions, call?: StreamCall): Promise<Rows<EngineEvent>>;
}
