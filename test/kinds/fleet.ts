/** The objects of examples/fleet.yaml as clients send them, and a kind that no room has, to show what a definition brings. */
import { z } from "zod";
import type { JsonObject } from "../../shared/base/json.ts";
import type { KindDefinition } from "../../shared/kinds/definition.ts";
import type { WindlassObject } from "../../shared/kinds/object.ts";

const apiVersion = "windlass.dev/v1";

export const nodeBody: JsonObject = {
  apiVersion,
  kind: "Node",
  metadata: { name: "node-a", labels: { zone: "a", disk: "ssd" } },
  spec: { address: "tcp://127.0.0.1:2375", availability: "active", role: "worker", membership: "accepted" },
};

export const networkBody: JsonObject = {
  apiVersion,
  kind: "Network",
  metadata: { name: "front" },
  spec: { driver: "bridge", labels: { tier: "web" } },
};

const containerSpec: JsonObject = {
  image: "busybox:latest",
  command: ["httpd", "-f", "-p", "8080", "-h", "/"],
  env: { GREETING: "hello" },
  mounts: [{ type: "volume", source: "web-data", target: "/data", readOnly: false }],
  networks: ["front"],
  ports: [{ containerPort: 8080, protocol: "tcp" }],
  resources: { limits: { cpus: 0.5, memory: "64Mi" }, reservations: { cpus: 0.1, memory: "32Mi" } },
  healthCheck: { command: ["wget", "-q", "-O-", "http://127.0.0.1:8080/"], interval: "10s", timeout: "2s", retries: 3 },
  constraints: ["node.labels.disk==ssd", "node.name!=node-c"],
  affinities: ["service!=web"],
  restartPolicy: { condition: "any", delay: "5s", maxAttempts: 0, window: "60s" },
};

export const serviceBody: JsonObject = {
  apiVersion,
  kind: "Service",
  metadata: { name: "web", namespace: "default", labels: { app: "web" } },
  spec: {
    mode: "replicated",
    replicas: 3,
    template: { metadata: { labels: { service: "web", env: "prod" } }, spec: containerSpec },
    update: { parallelism: 1, delay: "5s", failureAction: "rollback", monitor: "10s", order: "stop-first" },
    rollback: { parallelism: 1, delay: "0s" },
  },
};

export const taskBody: JsonObject = {
  apiVersion,
  kind: "Task",
  metadata: { name: "web.1", namespace: "default" },
  spec: { serviceName: "web", nodeName: "node-a", slot: 1, template: { spec: containerSpec } },
  status: { state: "running", message: "started", containerId: "0123456789abcdef", since: "2026-01-02T03:04:05Z" },
};

export const clusterBody: JsonObject = { apiVersion, kind: "Cluster", metadata: { name: "default" }, spec: {} };

type Volume = WindlassObject<{ readonly sizeGb: number; readonly nodeName?: string | undefined }, { readonly used: number }>;

/** A kind as a later room would bring it, in one file. */
export const volumeKind: KindDefinition<Volume> = {
  kind: "Volume",
  plural: "volumes",
  singular: "volume",
  shortNames: ["vol"],
  categories: ["windlass"],
  namespaced: true,
  scope: "cluster",
  description: "A volume of a test.",
  spec: z
    .object({
      sizeGb: z.int().min(1).max(100).describe("Its size.").default(10),
      nodeName: z.string().describe("Its node.").optional(),
    })
    .describe("What the volume should be."),
  status: z.object({ used: z.int().min(0).describe("What is in it.") }).describe("What was seen of the volume."),
  columns: [{ name: "Size", type: "integer", priority: 0, description: "Its size." }],
  cells: ({ spec }) => [spec.sizeGb],
  selectableFields: { "spec.nodeName": ({ spec }) => spec.nodeName ?? "" },
  indexes: { node: ({ spec }) => (spec.nodeName === undefined ? [] : [spec.nodeName]) },
};

/** An object as the store would hold it: `decoded` with what the store sets. */
export const stored = <O extends WindlassObject>(decoded: Omit<O, "metadata"> & { readonly metadata: object }): O =>
  ({
    ...decoded,
    metadata: {
      uid: "uid-1",
      resourceVersion: "1000",
      generation: 1,
      creationTimestamp: "2026-01-02T03:04:05Z",
      ...decoded.metadata,
    },
  }) as unknown as O;
