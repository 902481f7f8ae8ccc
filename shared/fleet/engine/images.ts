/** The part of the Engine port that shows, names and removes images. A `reference` is repo[:tag], repo@digest or an id. */
import type { Call, Filters } from "./call.ts";
import type { Answer } from "./json.ts";

export type ImageSummary = Answer<{
  readonly Id: string;
  readonly RepoTags: readonly string[] | null;
  readonly RepoDigests?: readonly string[] | null;
  /** Seconds since 1970. */
  readonly Created: number;
  readonly Size: number;
  readonly Labels?: Readonly<Record<string, string>> | null;
}>;

export type ImageDetails = Answer<{
  readonly Id: string;
  readonly RepoTags: readonly string[] | null;
  /** `repo@sha256:…`, of each registry that it was pulled from or pushed to. */
  readonly RepoDigests: readonly string[] | null;
  readonly Architecture: string;
  readonly Os: string;
  readonly Size: number;
}>;

export type ImageLayer = Answer<{
  readonly Id: string;
  readonly Created: number;
  readonly CreatedBy: string;
  readonly Size: number;
  readonly Tags: readonly string[] | null;
}>;

export type RemovedImage = { readonly Untagged?: string; readonly Deleted?: string };

export interface EngineImages {
  list(options?: { readonly all?: boolean; readonly filters?: Filters }, call?: Call): Promise<readonly ImageSummary[]>;
  /** @throws NoSuchImageError */
  inspect(reference: string, call?: Call): Promise<ImageDetails>;
  /** The newest layer first. @throws NoSuchImageError */
  history(reference: string, call?: Call): Promise<readonly ImageLayer[]>;
  /** Gives the image a further name; one that had it loses it. @throws NoSuchImageError */
  tag(reference: string, name: { readonly repo: string; readonly tag?: string }, call?: Call): Promise<void>;
  /** @throws NoSuchImageError; EngineError 409 while a container needs it and `force` is not given. */
  remove(
    reference: string,
    options?: { readonly force?: boolean; readonly noPrune?: boolean },
    call?: Call,
  ): Promise<readonly RemovedImage[]>;
}
