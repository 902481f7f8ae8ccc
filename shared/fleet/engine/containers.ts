/** The part of the Engine port that makes, shows and removes containers. An `id` may also be a name of that engine. */
import type { Json, JsonObject } from "../../base/json.ts";
import type { Call, Filters } from "./call.ts";
import type { Answer } from "./json.ts";

export type ContainerPort = Answer<{
  readonly PrivatePort: number;
  readonly PublicPort?: number | undefined;
  /** tcp, udp, sctp. */
  readonly Type: string;
  readonly IP?: string | undefined;
}>;

/** A row of `docker ps`. */
export type ContainerSummary = Answer<{
  readonly Id: string;
  /** Each with a leading slash. */
  readonly Names: readonly string[];
  readonly Image: string;
  readonly ImageID: string;
  readonly Command: string;
  /** Seconds since 1970. */
  readonly Created: number;
  /** created, running, paused, restarting, removing, exited, dead. */
  readonly State: string;
  /** For people: Up 2 minutes (healthy). */
  readonly Status: string;
  readonly Ports: readonly ContainerPort[];
  readonly Labels: Readonly<Record<string, string>>;
}>;

export type ContainerState = Answer<{
  readonly Status: string;
  readonly Running: boolean;
  readonly Paused: boolean;
  readonly ExitCode: number;
  readonly Error: string;
  readonly OOMKilled: boolean;
  readonly Pid: number;
  /** RFC 3339; 0001-01-01T00:00:00Z: never. */
  readonly StartedAt: string;
  readonly FinishedAt: string;
  /** Absent without a health check. Status: starting, healthy, unhealthy. */
  readonly Health?: Answer<{ readonly Status: string }> | null | undefined;
}>;

export type ContainerDetails = Answer<{
  readonly Id: string;
  /** With a leading slash. */
  readonly Name: string;
  /** RFC 3339. */
  readonly Created: string;
  /** The image's id. */
  readonly Image: string;
  readonly State: ContainerState;
  readonly RestartCount: number;
  readonly Config: Answer<{
    readonly Image: string;
    readonly Labels: Readonly<Record<string, string>> | null;
    readonly Tty: boolean;
  }>;
  readonly HostConfig: JsonObject;
  readonly NetworkSettings: JsonObject;
}>;

/** The body of Docker's create: Image, Cmd, Env, Labels, HostConfig, NetworkingConfig, … */
export type ContainerCreate = Answer<{
  readonly Image: string;
  readonly Labels?: Readonly<Record<string, string>>;
}>;

export type CreateOptions = {
  /** The name on that engine. Absent: the engine makes one. */
  readonly name?: string;
  /** os/architecture/variant, where the image has several. */
  readonly platform?: string;
  readonly body: ContainerCreate;
};

export type ListOptions = {
  /** Also those that do not run. */
  readonly all?: boolean;
  /** The newest so many. Absent or 0: all. */
  readonly limit?: number;
  /** With SizeRw and SizeRootFs: slow. */
  readonly size?: boolean;
  readonly filters?: Filters;
};

export type CommitOptions = {
  readonly repo?: string;
  readonly tag?: string;
  readonly comment?: string;
  readonly author?: string;
  /** Whether the container stands still meanwhile. Default: true. */
  readonly pause?: boolean;
  /** Lines of a Dockerfile that are applied: CMD, ENV, LABEL, … */
  readonly changes?: string;
  /** Replaces the configuration that the image gets from the container. */
  readonly config?: JsonObject;
};

export interface EngineContainers {
  /** @throws NoSuchImageError, NameTakenError: the engine itself refuses a second container of that name. */
  create(options: CreateOptions, call?: Call): Promise<Answer<{ readonly Id: string; readonly Warnings?: Json }>>;
  /** @throws NoSuchContainerError */
  inspect(id: string, options?: { readonly size?: boolean }, call?: Call): Promise<ContainerDetails>;
  /** The newest first. */
  list(options?: ListOptions, call?: Call): Promise<readonly ContainerSummary[]>;
  /** force: also if it runs. volumes: also its anonymous volumes. @throws NoSuchContainerError; EngineError 409 while it runs. */
  remove(id: string, options?: { readonly force?: boolean; readonly volumes?: boolean }, call?: Call): Promise<void>;
  /** @throws NoSuchContainerError, NameTakenError */
  rename(id: string, name: string, call?: Call): Promise<void>;
  /** Changes limits and the restart policy, as Docker's update. @throws NoSuchContainerError */
  update(id: string, body: JsonObject, call?: Call): Promise<JsonObject>;
  /** What differs from its image; Kind 0: changed, 1: added, 2: deleted. @throws NoSuchContainerError */
  changes(id: string, call?: Call): Promise<readonly { readonly Path: string; readonly Kind: number }[]>;
  /** Makes an image of it. Id: the image's. @throws NoSuchContainerError */
  commit(id: string, options?: CommitOptions, call?: Call): Promise<{ readonly Id: string }>;
}
