/** What the fleet relies on in an engine's answers, checked where they enter. Unknown fields are kept. */
import * as z from "zod";
import { EngineAnswerError } from "../engine-errors.ts";

const texts = z.record(z.string(), z.string());
const textsOrNull = texts.nullish().transform((value) => value ?? null);
const list = <T extends z.ZodType>(item: T) =>
  z
    .array(item)
    .nullish()
    .transform((value) => value ?? []);
const strings = z.array(z.string());

export const idAnswer = z.looseObject({ Id: z.string().min(1) });

export const info = z.looseObject({
  ID: z.string(),
  Name: z.string(),
  ServerVersion: z.string(),
  OSType: z.string(),
  Architecture: z.string(),
  NCPU: z.number(),
  MemTotal: z.number(),
  Containers: z.number(),
  ContainersRunning: z.number(),
  ContainersPaused: z.number(),
  ContainersStopped: z.number(),
  Images: z.number(),
  Labels: strings.nullable(),
});

export const version = z.looseObject({
  Version: z.string(),
  ApiVersion: z.string(),
  MinAPIVersion: z.string(),
  Os: z.string(),
  Arch: z.string(),
});

export const event = z.looseObject({
  Type: z.string(),
  Action: z.string(),
  Actor: z.looseObject({ ID: z.string(), Attributes: texts.nullish() }),
  time: z.number(),
  timeNano: z.number(),
});

export const containerSummaries = list(
  z.looseObject({
    Id: z.string().min(1),
    Names: list(z.string()),
    Image: z.string(),
    ImageID: z.string(),
    Command: z.string(),
    Created: z.number(),
    State: z.string(),
    Status: z.string(),
    Ports: list(
      z.looseObject({
        PrivatePort: z.number(),
        PublicPort: z.number().optional(),
        Type: z.string(),
        IP: z.string().optional(),
      }),
    ),
    Labels: texts.nullish().transform((value) => value ?? {}),
  }),
);

export const containerDetails = z.looseObject({
  Id: z.string().min(1),
  Name: z.string(),
  Created: z.string(),
  Image: z.string(),
  State: z.looseObject({
    Status: z.string(),
    Running: z.boolean(),
    Paused: z.boolean(),
    ExitCode: z.number(),
    Error: z.string(),
    OOMKilled: z.boolean(),
    Pid: z.number(),
    StartedAt: z.string(),
    FinishedAt: z.string(),
    Health: z.looseObject({ Status: z.string() }).nullish(),
  }),
  RestartCount: z.number(),
  Config: z.looseObject({ Image: z.string(), Labels: texts.nullable(), Tty: z.boolean() }),
  HostConfig: z.looseObject({}),
  NetworkSettings: z.looseObject({}),
});

export const changes = list(z.object({ Path: z.string(), Kind: z.number() }));
export const waitResult = z.object({
  StatusCode: z.number(),
  Error: z
    .object({ Message: z.string() })
    .nullish()
    .transform((value) => value ?? undefined),
});
export const processes = z.object({ Titles: list(z.string()), Processes: list(list(z.string())) });
export const execDetails = z.looseObject({
  ID: z.string(),
  ContainerID: z.string(),
  Running: z.boolean(),
  ExitCode: z.number().nullable(),
});
export const pathStat = z.looseObject({ name: z.string(), size: z.number() });

export const imageSummaries = list(
  z.looseObject({ Id: z.string().min(1), RepoTags: strings.nullable(), Created: z.number(), Size: z.number() }),
);
export const imageDetails = z.looseObject({
  Id: z.string().min(1),
  RepoTags: strings.nullable(),
  RepoDigests: strings.nullable(),
  Architecture: z.string(),
  Os: z.string(),
  Size: z.number(),
});
export const imageLayers = list(
  z.looseObject({ Id: z.string(), Created: z.number(), CreatedBy: z.string(), Size: z.number(), Tags: strings.nullable() }),
);
export const removedImages = list(z.object({ Untagged: z.string().optional(), Deleted: z.string().optional() }));

export const network = z.looseObject({
  Id: z.string().min(1),
  Name: z.string(),
  Driver: z.string(),
  Scope: z.string(),
  Labels: textsOrNull,
});
export const networks = list(network);
export const volume = z.looseObject({ Name: z.string(), Driver: z.string(), Mountpoint: z.string(), Labels: textsOrNull });
export const volumes = z.looseObject({ Volumes: list(volume) });
export const anything = z.looseObject({});

/**
 * `answer` as type T, which `schema` checks as far as the fleet relies on it.
 * @throws EngineAnswerError that names the first field that is wrong.
 */
export function checked<T>(schema: z.ZodType, answer: unknown, from: { readonly address: string; readonly what: string }): T {
  const parsed = schema.safeParse(answer);
  if (parsed.success) return parsed.data as T;
  const [issue] = parsed.error.issues;
  throw new EngineAnswerError(from.address, from.what, `${issue?.path.join(".") || "it"}: ${issue?.message}`);
}
