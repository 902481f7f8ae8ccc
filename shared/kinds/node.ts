/** Node: a Docker engine that runs tasks. The user says where it is and what may run there; the healer says how it is. */
import * as z from "zod";
import { conditionsSchema, observedGenerationSchema } from "./condition.ts";
import type { KindDefinition } from "./definition.ts";
import type { Frozen } from "./frozen.ts";
import type { WindlassObject } from "./object.ts";
import { secretReferenceSchema } from "./reference.ts";

const addressSchema = z
  .string()
  .max(2_048)
  .check(({ value, issues }) => {
    const message = addressProblem(value);
    if (message !== undefined) issues.push({ code: "custom", message, input: value });
  });

const nodeSpecSchema = z
  .object({
    address: addressSchema.describe("The engine's API: tcp://host:port, unix:///path, http://… or https://…"),
    availability: z
      .enum(["active", "pause", "drain"])
      .describe("active: takes tasks; pause: keeps those it has and takes no more; drain: its tasks go elsewhere.")
      .default("active"),
    role: z.enum(["worker", "manager"]).describe("How far the node is trusted; both run tasks.").default("worker"),
    membership: z.enum(["accepted", "pending"]).describe("pending: not used until it is accepted.").default("accepted"),
    tls: z
      .object({ secretRef: secretReferenceSchema })
      .describe("Key, certificate and authority for the engine's API.")
      .optional(),
  })
  .describe("What the node should be.")
  .superRefine(({ address, tls }, context) => {
    if (tls === undefined || /^(tcp|https):/.test(address)) return;
    context.addIssue({
      code: "custom",
      path: ["tls"],
      message: "may be given for a tcp:// or https:// address only",
      input: tls,
    });
  });

const engineSchema = z
  .object({
    id: z.string().describe("The engine's own id. Another one: it lost its data, or another engine has its address.").optional(),
    dataRoot: z.string().describe("The folder on its machine where the engine keeps its data.").optional(),
    version: z.string().describe("Version of the engine.").optional(),
    hostname: z.string().describe("The machine's own name for itself.").optional(),
    platform: z
      .object({
        os: z.string().describe("Operating system, like linux.").optional(),
        architecture: z.string().describe("Processor, like x86_64.").optional(),
      })
      .describe("What its containers run on.")
      .optional(),
    resources: z
      .object({
        cpus: z.number().min(0).describe("CPUs of the machine.").optional(),
        memory: z.int().min(0).describe("Memory of the machine, bytes.").optional(),
      })
      .describe("What the machine has.")
      .optional(),
    labels: z.record(z.string(), z.string()).describe("Labels that the engine was started with.").optional(),
  })
  .describe("What the engine says of itself.");

const nodeStatusSchema = z
  .object({
    state: z
      .enum(["unknown", "down", "ready", "disconnected"])
      .describe(
        "unknown: not reached yet; ready: answers; disconnected: did not answer last time; down: its tasks were given up.",
      )
      .default("unknown"),
    message: z.string().describe("Why, for people.").optional(),
    since: z.iso.datetime({ offset: true }).describe("When it reached this state.").optional(),
    failures: z.int().min(0).describe("Failures in a row, as of the last change; absent: none.").optional(),
    lastError: z.string().describe("The last of them.").optional(),
    disabledUntil: z.iso
      .datetime({ offset: true })
      .describe("It takes no new containers before this time, unless it is well again sooner.")
      .optional(),
    observedGeneration: observedGenerationSchema.optional(),
    engine: engineSchema.optional(),
    conditions: conditionsSchema.optional(),
  })
  .describe("What was seen of the node.");

export type NodeSpec = Frozen<z.infer<typeof nodeSpecSchema>>;
export type NodeStatus = Frozen<z.infer<typeof nodeStatusSchema>>;
export type Node = WindlassObject<NodeSpec, NodeStatus>;

export const nodeKind: KindDefinition<Node> = {
  kind: "Node",
  plural: "nodes",
  singular: "node",
  shortNames: ["no"],
  categories: ["windlass"],
  namespaced: false,
  scope: "cluster",
  description: "A node: a Docker engine that runs tasks.",
  spec: nodeSpecSchema,
  status: nodeStatusSchema,
  columns: [
    { name: "Status", type: "string", priority: 0, description: "Whether the engine answers." },
    { name: "Availability", type: "string", priority: 0, description: "Whether it takes tasks." },
    { name: "Role", type: "string", priority: 0, description: "How far it is trusted." },
    { name: "Address", type: "string", priority: 0, description: "The engine's API." },
    { name: "Membership", type: "string", priority: 1, description: "Whether it was accepted." },
    { name: "Engine", type: "string", priority: 1, description: "Version of the engine." },
    { name: "Platform", type: "string", priority: 1, description: "What its containers run on." },
    { name: "Message", type: "string", priority: 0, description: "Why it is in that state." },
  ],
  cells: ({ spec, status }) => [
    status?.state ?? "unknown",
    spec.availability,
    spec.role,
    spec.address,
    spec.membership,
    status?.engine?.version ?? "",
    platformText(status?.engine),
    status?.message ?? "",
  ],
  selectableFields: {
    "spec.address": ({ spec }) => spec.address,
    "spec.availability": ({ spec }) => spec.availability,
    "spec.role": ({ spec }) => spec.role,
    "spec.membership": ({ spec }) => spec.membership,
    "status.state": ({ status }) => status?.state ?? "unknown",
  },
  indexes: {
    role: ({ spec }) => [spec.role],
    membership: ({ spec }) => [spec.membership],
    address: ({ spec }) => [engineAt(spec.address)],
    engine: ({ status }) => engineIdentity(status?.engine) ?? [],
  },
};

/**
 * What no two engines share; none: it has not told. Its id alone is not enough: engines before 25 take theirs from the machine's
 * /etc/docker/key.json, so that all engines of a machine have one, and those of cloned machines.
 */
export function engineIdentity({ id, hostname = "", dataRoot = "" }: NodeStatus["engine"] = {}): readonly [string] | undefined {
  return id === undefined ? undefined : [`${id} ${hostname} ${dataRoot}`];
}

/** Where an engine's API is, the same for every way to write one address: `unix:///path`, or `host:port` and the path. */
export function engineAt(address: string): string {
  if (!URL.canParse(address)) return address;
  const { protocol, hostname, port, pathname } = new URL(address);
  if (protocol === "unix:") return `unix://${pathname}`;
  const defaultPort = protocol === "https:" ? "443" : "80";
  return `${hostname.toLowerCase()}:${port || defaultPort}${pathname.replace(/\/$/, "")}`;
}

/** What is wrong with an engine's address; undefined when nothing is. Credentials in it are refused: objects hold no secrets. */
function addressProblem(address: string): string | undefined {
  const forms = "must be tcp://host:port, unix:///path, http://host[:port] or https://host[:port]";
  const url = URL.parse(address);
  if (url === null) return forms;
  if (url.username !== "" || url.password !== "") return "must not contain credentials; name a secret in tls";
  if (url.search !== "" || url.hash !== "") return "must not have a query or fragment";
  switch (url.protocol) {
    case "unix:":
      return url.host === "" && /^\/[^/]/.test(url.pathname) ? undefined : forms;
    case "tcp:":
      return url.hostname !== "" && /^[1-9]/.test(url.port) && /^\/?$/.test(url.pathname) ? undefined : forms;
    case "http:":
    case "https:":
      return url.port === "0" ? forms : undefined;
    default:
      return forms;
  }
}

function platformText(engine: NodeStatus["engine"]): string {
  return [engine?.platform?.os, engine?.platform?.architecture].filter((part) => part !== undefined).join("/");
}
