/**
 * The part of the Engine port that carries containers' bytes. Output of a container without a terminal is multiplexed as
 * Docker does it (frames.ts takes it apart); with one it is plain. All throw NoSuchContainerError.
 */
import type { Duplex, Readable } from "node:stream";
import type { JsonObject } from "../../base/json.ts";
import type { ByteSource, Call, Rows, StreamCall } from "./call.ts";

export type LogOptions = {
  /** Both by default. */
  readonly stdout?: boolean;
  readonly stderr?: boolean;
  /** Goes on until the container ends. */
  readonly follow?: boolean;
  readonly timestamps?: boolean;
  /** Seconds since 1970. */
  readonly since?: string;
  readonly until?: string;
  /** The last so many lines. Absent: all. */
  readonly tail?: number;
};

export type AttachOptions = {
  readonly stdin?: boolean;
  /** Both by default. */
  readonly stdout?: boolean;
  readonly stderr?: boolean;
  /** What was written before comes first. */
  readonly logs?: boolean;
  readonly detachKeys?: string;
};

export type TerminalSize = { readonly height: number; readonly width: number };

/** What X-Docker-Container-Path-Stat says: name, size, mode, mtime, linkTarget. */
export type PathStat = JsonObject & { readonly name: string; readonly size: number };

export interface ContainerStreams {
  logs(id: string, options?: LogOptions, call?: StreamCall): Promise<Readable>;
  /** A row a second while it runs; `once`: one row, without a look at the CPU's past. */
  stats(id: string, options?: { readonly once?: boolean }, call?: StreamCall): Promise<Rows<JsonObject>>;
  /** Both ways; `end()` closes stdin only, and the stream ends with the container. Works before it starts, too. */
  attach(id: string, options?: AttachOptions, call?: Call): Promise<Duplex>;
  /** @throws EngineError 409 or 500 when it does not run. */
  resize(id: string, size: TerminalSize, call?: Call): Promise<void>;
  /** @throws EngineError 404 for a path that is not there. */
  stat(id: string, path: string, call?: Call): Promise<PathStat>;
  /** A tar of what stands at `path`. @throws EngineError 404 for a path that is not there. */
  download(id: string, path: string, call?: StreamCall): Promise<{ readonly stat: PathStat; readonly tar: Readable }>;
  /** Unpacks a tar, plain or compressed, into the folder `path`; the time-out holds from its end on. @throws EngineError 404 */
  upload(id: string, path: string, tar: ByteSource, call?: StreamCall): Promise<void>;
  /** A tar of its whole file system. */
  export(id: string, call?: StreamCall): Promise<Readable>;
}
