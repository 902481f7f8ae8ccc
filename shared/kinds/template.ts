/**
 * What a task runs: the template that a Service stamps its Tasks from and that each Task carries. Field names are those of
 * examples/fleet.yaml; defaults are swarmkit's, and Docker's where swarmkit has none.
 */
import * as z from "zod";
import { affinitySchema, constraintSchema, spreadSchema } from "./constraint.ts";
import type { Frozen } from "./frozen.ts";
import { durationSchema, memorySchema, parseQuantity } from "./quantity.ts";
import { annotationsSchema, labelsSchema, nameSchema, secretReferenceSchema } from "./reference.ts";

/** Linux: a name of the environment; Kubernetes' rule, which also keeps '=' out. */
const environmentName = z.string().regex(/^[-._a-zA-Z][-._a-zA-Z0-9]*$/, {
  error: "a valid environment variable name must consist of letters, digits, '_', '-' or '.', and must not start with a digit",
});
const port = z.int().min(1).max(65_535);
const absolutePath = z.string().startsWith("/", { error: "must be an absolute path" });

const mountSchema = z
  .object({
    type: z
      .enum(["volume", "bind", "tmpfs"])
      .describe("volume: a named volume of the node; bind: a path of the node; tmpfs: memory.")
      .default("volume"),
    source: z.string().describe("The volume's name (absent: a new one) or the node's absolute path; none for tmpfs.").optional(),
    target: absolutePath.describe("Where it stands in the container."),
    readOnly: z.boolean().describe("Whether the container can only read it.").default(false),
  })
  .describe("A mount.")
  .superRefine((mount, context) => {
    const problem = mountProblem(mount);
    if (problem !== undefined) context.addIssue({ code: "custom", path: ["source"], message: problem, input: mount.source });
  });

const portSchema = z
  .object({
    name: z.string().min(1).max(63).describe("What the port is for, for people and routes.").optional(),
    containerPort: port.describe("The port in the container."),
    hostPort: port.describe("The node's port that leads to it; absent: the engine chooses one.").optional(),
    protocol: z.enum(["tcp", "udp", "sctp"]).describe("The transport.").default("tcp"),
  })
  .describe("A port that the container listens on and the node publishes.");

const amountsSchema = z.object({
  cpus: z.number().positive().max(10_000).describe("CPUs; 0.5 is half of one.").optional(),
  memory: memorySchema.describe("Memory, a Kubernetes quantity like 64Mi.").optional(),
});

const resourcesSchema = z
  .object({
    limits: amountsSchema.describe("What the container can't exceed; absent: no limit.").optional(),
    reservations: amountsSchema.describe("What a node must have free to take it.").optional(),
  })
  .describe("Limits and reservations.")
  .superRefine(({ limits, reservations }, context) => {
    for (const name of ["cpus", "memory"] as const) {
      if (amount(reservations?.[name]) <= amount(limits?.[name], Number.POSITIVE_INFINITY)) continue;
      const message = `must be less than or equal to the limit of ${limits?.[name]}`;
      context.addIssue({ code: "custom", path: ["reservations", name], message, input: reservations?.[name] });
    }
  });

const healthCheckSchema = z
  .object({
    command: z.array(z.string()).min(1).describe("Run in the container; exit code 0 is healthy."),
    interval: durationSchema.describe("Time between checks.").default("30s"),
    timeout: durationSchema.describe("A check that takes longer has failed.").default("30s"),
    retries: z.int().min(1).max(1_000).describe("Failures in a row that make it unhealthy.").default(3),
    startPeriod: durationSchema.describe("Failures this soon after the start do not count.").default("0s"),
  })
  .describe("How the engine finds out whether the container works.");

const restartPolicySchema = z
  .object({
    condition: z.enum(["any", "on-failure", "none"]).describe("After which ends a task is replaced.").default("any"),
    delay: durationSchema.describe("Time before a replacement starts.").default("5s"),
    maxAttempts: z.int().min(0).max(1_000_000).describe("Replacements within the window; 0: no bound.").default(0),
    window: durationSchema.describe("The time that maxAttempts looks back; 0s: all time.").default("0s"),
  })
  .describe("Whether and when a task that ended is replaced.");

/** swarmkit's Placement, but for its constraints, which stand beside it; strategies are classic Swarm's and docker-cluster's. */
const placementSchema = z
  .object({
    strategy: z
      .enum(["spread", "binpack", "random", "roundRobin"])
      .describe("spread: on the node with the fewest; binpack: on the fullest that has room; absent: the cluster's, spread.")
      .optional(),
    preferences: z
      .array(z.object({ spread: spreadSchema.describe("A label of the nodes: node.labels.zone.") }).describe("A preference."))
      .max(8)
      .describe("Labels over whose values tasks are spread evenly, the first before the second.")
      .optional(),
    maxReplicas: z.int().min(0).max(1_000_000).describe("Tasks of the service that one node may have; 0: no bound.").default(0),
    platforms: z
      .array(
        z
          .object({
            os: z.string().min(1).describe("Operating system, like linux; absent: any.").optional(),
            architecture: z.string().min(1).describe("Processor, like x86_64 or amd64; absent: any.").optional(),
          })
          .describe("A platform."),
      )
      .describe("What the image runs on, one of these; absent: anything.")
      .optional(),
  })
  .describe("How a node is chosen among those that fit.");

const containerSpecSchema = z
  .object({
    image: z
      .string()
      .min(1)
      .max(1_024)
      .regex(/^\S+$/, { error: "must not contain white space" })
      .describe("The image, with its tag or digest."),
    command: z.array(z.string()).describe("Replaces the image's command.").optional(),
    entrypoint: z.array(z.string()).describe("Replaces the image's entrypoint.").optional(),
    env: z.record(environmentName, z.string()).describe("Environment variables.").optional(),
    workingDir: absolutePath.describe("The directory the command starts in; absent: the image's.").optional(),
    user: z.string().min(1).describe("User (and :group) the command runs as; absent: the image's.").optional(),
    hostname: nameSchema.describe("The container's host name.").optional(),
    stopSignal: z.string().min(1).describe("The signal that asks the command to end; absent: the image's.").optional(),
    stopGracePeriod: durationSchema.describe("Time between that signal and SIGKILL.").default("10s"),
    pullSecretRef: secretReferenceSchema.describe("Credentials of the image's registry.").optional(),
    mounts: z
      .array(mountSchema)
      .describe("Volumes, paths and memory that stand in the container.")
      .superRefine(uniqueTargets)
      .optional(),
    networks: z.array(nameSchema).describe("Names of the Networks it is attached to.").optional(),
    ports: z.array(portSchema).describe("Ports that are published.").optional(),
    resources: resourcesSchema.optional(),
    healthCheck: healthCheckSchema.optional(),
    constraints: z
      .array(constraintSchema)
      .describe("What a node must meet: node.labels.disk==ssd, node.name!=node-c.")
      .optional(),
    affinities: z
      .array(affinitySchema)
      .describe("What a task would rather stand beside (service==db) or not (service!=web).")
      .optional(),
    placement: placementSchema.optional(),
    restartPolicy: restartPolicySchema.prefault({}),
  })
  .describe("The container and where it may run.");

const templateMetadataSchema = z
  .object({
    labels: labelsSchema.describe("Labels of the tasks and of their containers.").optional(),
    annotations: annotationsSchema.describe("Annotations of the tasks.").optional(),
  })
  .describe("Metadata that each task gets.");

export const templateSchema = z
  .object({ metadata: templateMetadataSchema.optional(), spec: containerSpecSchema })
  .describe("What each task runs.");
export type Template = Frozen<z.infer<typeof templateSchema>>;
export type ContainerSpec = Template["spec"];
export type PlacementSpec = NonNullable<ContainerSpec["placement"]>;
export type RestartPolicy = ContainerSpec["restartPolicy"];

/** The Networks that a template names, without doubles: what services and tasks stand under in their index `network`. */
export const referencedNetworks = (template: Template): readonly string[] => [...new Set(template.spec.networks ?? [])];

/** Ports as an operator reads them: `80->8080/tcp,53/udp`. */
export const portsText = (template: Template): string =>
  (template.spec.ports ?? [])
    .map(
      ({ hostPort, containerPort, protocol }) => `${hostPort === undefined ? "" : `${hostPort}->`}${containerPort}/${protocol}`,
    )
    .join(",");

function mountProblem({ type, source }: { readonly type: string; readonly source?: string | undefined }): string | undefined {
  switch (type) {
    case "bind":
      return source?.startsWith("/") ? undefined : "must be an absolute path of the node for a bind mount";
    case "tmpfs":
      return source === undefined ? undefined : "must be absent for a tmpfs mount";
    default:
      // Docker's rule for a volume's name.
      return source === undefined || /^[a-zA-Z0-9][a-zA-Z0-9_.-]{1,254}$/.test(source)
        ? undefined
        : "must be a volume's name: letters, digits and _.-";
  }
}

function amount(value: number | string | undefined, absent = 0): number {
  return value === undefined ? absent : typeof value === "number" ? value : (parseQuantity(value) ?? absent);
}

function uniqueTargets(mounts: readonly { readonly target: string }[], context: z.RefinementCtx): void {
  const seen = new Set<string>();
  for (const [index, { target }] of mounts.entries()) {
    if (seen.has(target)) context.addIssue({ code: "custom", path: [index, "target"], message: "must be unique", input: target });
    seen.add(target);
  }
}
