/**
 * The part of the Engine port that moves images. Progress is rows as Docker streams them; a transfer is done when its rows end, and
 * one that fails on its way throws TransferFailedError out of them. Leaving the rows ends the transfer.
 */
import type { Readable } from "node:stream";
import type { ByteSource, Call, Rows, StreamCall } from "./call.ts";
import type { Answer } from "./json.ts";

/** What a registry wants to know. Never logged, kept or shown. */
export type RegistryAuth = {
  readonly username?: string;
  readonly password?: string;
  readonly email?: string;
  readonly serveraddress?: string;
  readonly identitytoken?: string;
  readonly registrytoken?: string;
};

/** Of a pull, push, import or load: status with id and progress; of a build: stream; at its end sometimes aux. */
export type ProgressRow = Answer<{
  readonly status?: string;
  readonly id?: string;
  readonly progress?: string;
  readonly stream?: string;
}>;

export type PullOptions = {
  /** repo[:tag] or repo@digest; without either the tag latest. */
  readonly reference: string;
  readonly platform?: string;
  readonly auth?: RegistryAuth;
};

export type BuildOptions = {
  /** Docker's query: t, dockerfile, buildargs, labels, nocache, target, platform, … (objects as JSON text). */
  readonly query: Readonly<Record<string, string | readonly string[]>>;
  /** By the registry's address. */
  readonly auths?: Readonly<Record<string, RegistryAuth>>;
};

/** A tar at http:// or https://, as the engine's machine reaches it. */
export type ImportUrl = { readonly url: string };

export interface ImageTransfers {
  /** @throws EngineError 404 when the registry has no such image or wants credentials; 500 when it can't be reached. */
  pull(options: PullOptions, call?: StreamCall): Promise<Rows<ProgressRow>>;
  /** `reference` with its registry. @throws NoSuchImageError */
  push(options: { readonly reference: string; readonly auth?: RegistryAuth }, call?: StreamCall): Promise<Rows<ProgressRow>>;
  /** `context`: a tar, plain or compressed, with the Dockerfile. */
  build(options: BuildOptions, context: ByteSource, call?: StreamCall): Promise<Rows<ProgressRow>>;
  /** Makes an image of a file system, which `from` holds or where the engine gets it. `changes`: lines of a Dockerfile that are applied. */
  import(
    options: { readonly repo: string; readonly tag?: string; readonly message?: string; readonly changes?: readonly string[] },
    from: ByteSource | ImportUrl,
    call?: StreamCall,
  ): Promise<Rows<ProgressRow>>;
  /** What `save` gave. */
  load(tar: ByteSource, call?: StreamCall): Promise<Rows<ProgressRow>>;
  /** One tar of all of them. @throws NoSuchImageError */
  save(references: readonly string[], call?: Call & StreamCall): Promise<Readable>;
}
