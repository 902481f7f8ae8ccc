/**
 * Container: what an engine has, or is about to make, on one node. The spec is what it was made for and its current attempt, committed
 * before the engine is asked; the status follows the engine. Its environment never stands here: it may hold secrets.
 */
import * as z from "zod";
import { conditionsSchema, observedGenerationSchema } from "./condition.ts";
import type { KindDefinition } from "./definition.ts";
import type { Frozen } from "./frozen.ts";
import type { Metadata, WindlassObject } from "./object.ts";
import { nameSchema } from "./reference.ts";

/** Docker's own states; creating: committed and not yet seen on the engine; lost: its node was given up, or the engine has it no more. */
const containerStates = ["creating", "created", "running", "paused", "restarting", "removing", "exited", "dead", "lost"] as const;
export type ContainerObjectState = (typeof containerStates)[number];

/** Docker's rule for a container's name. */
const containerName = z
  .string()
  .max(255)
  .regex(/^[a-zA-Z0-9][a-zA-Z0-9_.-]+$/, { error: "must be a container's name: two or more letters, digits and _.-" });
const engineId = z.string().regex(/^[0-9a-f]{64}$/, { error: "must be an engine's id: 64 hexadecimal digits" });
const time = z.iso.datetime({ offset: true });
const port = z.int().min(0).max(65_535);

const attemptSchema = z
  .object({
    id: containerName.describe(
      "The attempt's own id: the container's name on its engine, and its label windlass.dev/attempt there.",
    ),
    deadline: time.describe("When it counts as failed unless the engine has it.").optional(),
  })
  .describe("The one attempt to make it that counts; containers of others are removed.");

/** An object's bound is 128 KiB; a port takes ten bytes or so. */
export const reservedPortsMax = 4_096;

const reservationsSchema = z
  .object({
    cpus: z.number().positive().max(10_000).describe("CPUs; 0.5 is half of one.").optional(),
    memory: z.int().positive().describe("Bytes of memory.").optional(),
    hostPorts: z
      .array(z.string().regex(/^[1-9][0-9]{0,4}\/(tcp|udp|sctp)$/, { error: "must be a port and its transport, like 8080/tcp" }))
      .max(reservedPortsMax)
      .describe("Ports of the node that it asked for.")
      .optional(),
  })
  .describe("What it takes of its node, from the moment it is to be made until it ends; a task's stands in its template.");

const containerSpecSchema = z
  .object({
    nodeName: nameSchema.describe("The Node it is on."),
    origin: z
      .enum(["task", "user", "foreign"])
      .describe("task: made for a Task; user: made through the Docker API; foreign: found on the node, shown and never touched.")
      .default("foreign"),
    taskName: nameSchema.describe("The Task, of the same namespace, that it runs; with origin task only.").optional(),
    taskUid: z.string().min(1).describe("That Task's uid: a later one of its name has another container.").optional(),
    containerName: containerName.describe("The name people know it by, unique in the cluster; absent: its engine's.").optional(),
    image: z.string().min(1).max(1_024).describe("The image as it was asked for."),
    reservations: reservationsSchema.optional(),
    attempt: attemptSchema.optional(),
  })
  .describe("What the container was made for.")
  .superRefine(({ origin, taskName, taskUid, attempt }, context) => {
    const refuse = (path: string, message: string, input: unknown) =>
      context.addIssue({ code: "custom", path: [path], message, input });
    if ((origin === "task") !== (taskName !== undefined))
      refuse("taskName", "must be given with origin task, and only then", taskName);
    if (origin !== "task" && taskUid !== undefined) refuse("taskUid", "must be absent but with origin task", taskUid);
    if (origin === "foreign" && attempt !== undefined) refuse("attempt", "must be absent with origin foreign", attempt);
  });

const publishedPortSchema = z
  .object({
    containerPort: port.describe("The port in the container."),
    hostPort: port.describe("The node's port that leads to it; absent: not published.").optional(),
    hostIp: z.string().describe("The node's address that it is published on.").optional(),
    protocol: z.enum(["tcp", "udp", "sctp"]).describe("The transport.").default("tcp"),
  })
  .describe("A port of the container.");

const mountSchema = z
  .object({
    type: z.string().max(64).describe("bind, volume, tmpfs, … in Docker's words."),
    name: z.string().max(255).describe("The volume's name; absent: it is none.").optional(),
    source: z.string().max(4_096).describe("Where it is on the node.").optional(),
    destination: z.string().max(4_096).describe("Where it is in the container."),
    driver: z.string().max(255).describe("The volume's driver.").optional(),
    mode: z.string().max(255).describe("Docker's mode, like ro or z.").optional(),
    isReadOnly: z.boolean().describe("Whether the container may not write to it.").optional(),
  })
  .describe("What is mounted in the container.");

const containerStatusSchema = z
  .object({
    state: z.enum(containerStates).describe("What the engine said last.").default("creating"),
    message: z.string().describe("Why, for people.").optional(),
    containerId: engineId.describe("The engine's id.").optional(),
    engineName: z.string().describe("Its name on the engine.").optional(),
    imageId: z.string().describe("The id of the image it was made of.").optional(),
    command: z.string().describe("What it runs, as docker ps shows it.").optional(),
    labels: z.record(z.string(), z.string()).describe("Its labels on the engine.").optional(),
    ports: z.array(publishedPortSchema).describe("Its ports.").optional(),
    mounts: z.array(mountSchema).describe("Its volumes and what else is mounted.").optional(),
    networks: z.record(z.string(), z.string()).describe("Its address in each network of the node it is in.").optional(),
    health: z.enum(["starting", "healthy", "unhealthy"]).describe("What its health check said; absent: it has none.").optional(),
    exitCode: z.int().describe("What its command ended with.").optional(),
    isOutOfMemory: z.boolean().describe("Whether it was ended because it took too much memory.").optional(),
    restartCount: z.int().min(0).describe("How often the engine itself has started it again.").optional(),
    createdAt: time.describe("When the engine made it.").optional(),
    startedAt: time.describe("When it started last.").optional(),
    finishedAt: time.describe("When it ended last.").optional(),
    observedGeneration: observedGenerationSchema.optional(),
    conditions: conditionsSchema.optional(),
  })
  .describe("What was seen of the container.");

export type ContainerReservations = Frozen<z.infer<typeof reservationsSchema>>;
export type ContainerObjectSpec = Frozen<z.infer<typeof containerSpecSchema>>;
export type ContainerObjectStatus = Frozen<z.infer<typeof containerStatusSchema>>;
export type Container = WindlassObject<ContainerObjectSpec, ContainerObjectStatus>;

export const containerKind: KindDefinition<Container> = {
  kind: "Container",
  plural: "containers",
  singular: "container",
  shortNames: ["ctr"],
  categories: ["windlass"],
  namespaced: true,
  scope: "cluster",
  description: "A container on a node, as its engine shows it.",
  spec: containerSpecSchema,
  status: containerStatusSchema,
  columns: [
    { name: "Docker Name", type: "string", priority: 0, description: "What people call it; of a foreign one its engine's name." },
    { name: "Node", type: "string", priority: 0, description: "The node it is on." },
    { name: "Image", type: "string", priority: 0, description: "What it runs." },
    { name: "State", type: "string", priority: 0, description: "What the engine said last." },
    { name: "Health", type: "string", priority: 0, description: "What its health check said." },
    { name: "Ports", type: "string", priority: 0, description: "Its ports." },
    { name: "Task", type: "string", priority: 1, description: "The task it runs." },
    { name: "Container", type: "string", priority: 1, description: "The engine's id, shortened as docker ps does." },
    { name: "Command", type: "string", priority: 1, description: "What it runs." },
    { name: "Message", type: "string", priority: 1, description: "Why it is in that state." },
  ],
  cells: ({ spec, status }) => [
    spec.containerName ?? status?.engineName ?? "",
    spec.nodeName,
    spec.image,
    stateText(status),
    status?.health ?? "",
    (status?.ports ?? []).map(portText).join(","),
    spec.taskName ?? "",
    status?.containerId === undefined ? "" : shortIdOf(status.containerId),
    status?.command ?? "",
    status?.message ?? "",
  ],
  selectableFields: {
    "spec.nodeName": ({ spec }) => spec.nodeName,
    "spec.taskName": ({ spec }) => spec.taskName ?? "",
    "spec.origin": ({ spec }) => spec.origin,
    "spec.containerName": ({ spec }) => spec.containerName ?? "",
    "status.state": ({ status }) => status?.state ?? "creating",
    "status.containerId": ({ status }) => status?.containerId ?? "",
    "status.health": ({ status }) => status?.health ?? "",
  },
  indexes: {
    node: ({ spec }) => [spec.nodeName],
    task: ({ metadata, spec }) => (spec.taskName === undefined ? [] : [taskIndexValue(metadata, spec.taskName)]),
    containerName: ({ spec }) => (spec.containerName === undefined ? [] : [spec.containerName]),
    containerId: ({ status }) => (status?.containerId === undefined ? [] : [status.containerId]),
    shortId: ({ status }) => (status?.containerId === undefined ? [] : [shortIdOf(status.containerId)]),
    network: ({ status }) => (status?.networks === undefined ? [] : Object.keys(status.networks)),
    attempt: ({ spec }) => (spec.attempt === undefined ? [] : [spec.attempt.id]),
    standing: (container) => (isStanding(container) ? [container.spec.nodeName] : []),
  },
};

const endStates: ReadonlySet<ContainerObjectState> = new Set(["exited", "dead", "lost", "removing"]);

/** It takes of its node, from the moment it is to be made until it ends, and no task speaks for it: the index `standing`, by node. */
export const isStanding = ({ spec, status }: Container): boolean =>
  spec.origin !== "task" && !endStates.has(status?.state ?? "creating");

/** Digits of an engine's id that docker ps shows: what people copy. */
export const shortIdDigits = 12;

/** What a container stands under in the index `shortId`. */
const shortIdOf = (containerId: string): string => containerId.slice(0, shortIdDigits);

/** What containers of a task stand under in the index `task`: `namespace/taskName`. */
const taskIndexValue = ({ namespace }: Pick<Metadata, "namespace">, taskName: string): string =>
  `${namespace ?? "default"}/${taskName}`;

function stateText(status: ContainerObjectStatus | undefined): string {
  const { state = "creating", exitCode } = status ?? {};
  return state === "exited" && exitCode !== undefined ? `exited (${exitCode})` : state;
}

/** As docker ps: `8080->80/tcp`, `80/tcp`. */
const portText = ({ hostPort, containerPort, protocol }: Frozen<z.infer<typeof publishedPortSchema>>): string =>
  `${hostPort === undefined ? "" : `${hostPort}->`}${containerPort}/${protocol}`;
