/** Network: what containers of one node talk over. One of this name and driver is made on each node that runs a task of it. */
import * as z from "zod";
import { conditionsSchema, observedGenerationSchema } from "./condition.ts";
import type { KindDefinition } from "./definition.ts";
import type { Frozen } from "./frozen.ts";
import type { WindlassObject } from "./object.ts";
import { labelsSchema } from "./reference.ts";

const cidrSchema = z.string().refine((text) => z.cidrv4().safeParse(text).success || z.cidrv6().safeParse(text).success, {
  error: "must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)",
});
const addressSchema = z.string().refine((text) => z.ipv4().safeParse(text).success || z.ipv6().safeParse(text).success, {
  error: "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)",
});

const poolSchema = z
  .object({
    subnet: cidrSchema.describe("The network's addresses."),
    ipRange: cidrSchema.describe("Those of them that containers get; absent: all.").optional(),
    gateway: addressSchema.describe("The address of the node in it; absent: the driver chooses.").optional(),
  })
  .describe("A pool of addresses.");

const networkSpecSchema = z
  .object({
    driver: z
      .string()
      .regex(/^[a-zA-Z0-9][a-zA-Z0-9_.:/-]*$/, { error: "must be the name of a network driver, like bridge" })
      .max(255)
      .describe("The engine's network driver.")
      .default("bridge"),
    options: z.record(z.string(), z.string()).describe("Options of the driver.").optional(),
    labels: labelsSchema.describe("Labels of the network on each node.").optional(),
    internal: z.boolean().describe("Whether it leads nowhere outside the node.").default(false),
    ipv6: z.boolean().describe("Whether it has IPv6 addresses.").default(false),
    ipam: z
      .object({ pools: z.array(poolSchema).describe("Pools of addresses.") })
      .describe("Its addresses; absent: the engine chooses.")
      .optional(),
  })
  .describe("What the network should be.");

const networkStatusSchema = z
  .object({
    message: z.string().describe("What went wrong last, for people.").optional(),
    observedGeneration: observedGenerationSchema.optional(),
    conditions: conditionsSchema.optional(),
  })
  .describe("What was seen of the network.");

export type NetworkSpec = Frozen<z.infer<typeof networkSpecSchema>>;
export type NetworkStatus = Frozen<z.infer<typeof networkStatusSchema>>;
export type Network = WindlassObject<NetworkSpec, NetworkStatus>;

export const networkKind: KindDefinition<Network> = {
  kind: "Network",
  plural: "networks",
  singular: "network",
  shortNames: ["net"],
  categories: ["windlass"],
  namespaced: false,
  scope: "cluster",
  description: "A network that containers are attached to: one of this name on each node that runs a task of it.",
  spec: networkSpecSchema,
  status: networkStatusSchema,
  columns: [
    { name: "Driver", type: "string", priority: 0, description: "The engine's network driver." },
    { name: "Internal", type: "boolean", priority: 1, description: "Whether it leads nowhere outside the node." },
    { name: "Subnets", type: "string", priority: 1, description: "Its addresses." },
  ],
  cells: ({ spec }) => [spec.driver, spec.internal, (spec.ipam?.pools ?? []).map(({ subnet }) => subnet).join(",")],
  selectableFields: { "spec.driver": ({ spec }) => spec.driver },
  indexes: {},
};
