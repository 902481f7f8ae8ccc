/** Bodies in, objects or field errors out: the builtin kinds' schemas and the checks around them. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Json, JsonObject } from "../../shared/base/json.ts";
import { bodyDepthMax } from "../../shared/kinds/body.ts";
import { clusterKind } from "../../shared/kinds/cluster.ts";
import type { KindDefinition } from "../../shared/kinds/definition.ts";
import type { FieldError } from "../../shared/kinds/field-error.ts";
import { mergePatch } from "../../shared/kinds/merge-patch.ts";
import { checkNamed } from "../../shared/kinds/metadata.ts";
import { networkKind } from "../../shared/kinds/network.ts";
import { nodeKind } from "../../shared/kinds/node.ts";
import { builtinKinds } from "../../shared/kinds/registry.ts";
import { serviceKind } from "../../shared/kinds/service.ts";
import { taskKind } from "../../shared/kinds/task.ts";
import { templateSchema } from "../../shared/kinds/template.ts";
import { decodeObject, errorsMax, unknownFieldsMax } from "../../shared/kinds/validate.ts";
import { clusterBody, networkBody, nodeBody, serviceBody, taskBody } from "./fleet.ts";

function decoded(definition: KindDefinition, body: unknown) {
  const result = decodeObject(definition, body);
  if (!result.ok) throw new Error(JSON.stringify(result.errors));
  return result;
}

function errorsOf(definition: KindDefinition, body: unknown): readonly Omit<FieldError, "value">[] {
  const result = decodeObject(definition, body);
  return result.ok ? [] : result.errors.map(({ field, message, type }) => ({ field, message, type }));
}

const withSpec = (body: JsonObject, spec: JsonObject): JsonObject => ({
  ...body,
  spec: { ...(body["spec"] as JsonObject), ...spec },
});
const withMetadata = (metadata: JsonObject): JsonObject => ({ ...nodeBody, metadata: { name: "node-a", ...metadata } });
const withContainer = (spec: JsonObject): JsonObject =>
  withSpec(serviceBody, { template: { spec: { image: "busybox", ...spec } } });

describe("the objects of the example", () => {
  const examples: readonly (readonly [KindDefinition, JsonObject])[] = [
    [clusterKind, clusterBody],
    [networkKind, networkBody],
    [nodeKind, nodeBody],
    [serviceKind, serviceBody],
    [taskKind, taskBody],
  ];
  test.each(examples.map(([definition, body]) => [definition.kind, definition, body] as const))(
    "a %s is taken whole and given back frozen",
    (_, definition, body) => {
      const { object, unknownFields } = decoded(definition, body);
      expect(unknownFields).toEqual([]);
      expect(object).toMatchObject(body);
      expect(Object.isFrozen(object.spec) && Object.isFrozen(object.metadata)).toBe(true);
      expect(decoded(definition, object).object).toEqual(object);
    },
  );

  test("a Node with only an address is an active, accepted worker", () => {
    expect(decoded(nodeKind, { metadata: { name: "n" }, spec: { address: "unix:///var/run/docker.sock" } }).object).toEqual({
      apiVersion: "windlass.dev/v1",
      kind: "Node",
      metadata: { name: "n" },
      spec: { address: "unix:///var/run/docker.sock", availability: "active", role: "worker", membership: "accepted" },
    });
  });

  test("a Service with only an image has one replica and swarmkit's defaults", () => {
    const update = {
      parallelism: 1,
      delay: "0s",
      failureAction: "pause",
      monitor: "5s",
      maxFailureRatio: 0,
      order: "stop-first",
    };
    expect(
      decoded(serviceKind, { metadata: { name: "s" }, spec: { template: { spec: { image: "busybox" } } } }).object.spec,
    ).toEqual({
      mode: "replicated",
      replicas: 1,
      template: {
        spec: {
          image: "busybox",
          stopGracePeriod: "10s",
          restartPolicy: { condition: "any", delay: "5s", maxAttempts: 0, window: "0s" },
        },
      },
      update,
      rollback: update,
    });
  });
});

describe("placement, and what the reconciler keeps", () => {
  const template = (spec: object) => ({ spec: { image: "busybox", ...spec } });
  const service = (spec: object) => ({ metadata: { name: "s" }, spec: { template: template(spec) } });

  test("a template says how nodes are chosen", () => {
    const placement = {
      strategy: "binpack",
      preferences: [{ spread: "node.labels.zone" }, { spread: "engine.labels.rack" }],
      maxReplicas: 2,
      platforms: [{ os: "linux", architecture: "amd64" }],
    };
    const placed = (given: JsonObject) => decoded(serviceKind, service({ placement: given })).object;
    expect(placed(placement)).toMatchObject({ spec: { template: { spec: { placement } } } });
    expect(placed({})).toMatchObject({ spec: { template: { spec: { placement: { maxReplicas: 0 } } } } });
  });

  test.each([
    [{ strategy: "best" }, "spec.template.spec.placement.strategy"],
    [{ preferences: [{ spread: "node.role" }] }, "spec.template.spec.placement.preferences[0].spread"],
    [{ preferences: Array(9).fill({ spread: "node.labels.zone" }) }, "spec.template.spec.placement.preferences"],
    [{ maxReplicas: -1 }, "spec.template.spec.placement.maxReplicas"],
    [{ platforms: [{ os: "" }] }, "spec.template.spec.placement.platforms[0].os"],
  ])("%j is refused", (placement, field) => {
    const result = decodeObject(serviceKind, service({ placement }));
    expect(result.ok ? [] : result.errors.map((error) => error.field)).toEqual([field]);
  });

  test("a status says how an update goes, when a task began to run and since when a node is as it is", () => {
    const update = {
      state: "rollback_started",
      startedAt: "2026-01-02T03:04:05Z",
      generation: 2,
      templateHash: "0123456789abcdef",
      step: 3,
      formerTemplate: templateSchema.parse(template({})),
    };
    const { status } = decoded(serviceKind, { ...service({}), status: { replicas: 1, update } }).object;
    expect(status).toEqual({ replicas: 1, readyReplicas: 0, updatedReplicas: 0, update });
    const since = "2026-01-02T03:04:05Z";
    const task = {
      metadata: { name: "t" },
      spec: { restarts: 2, template: template({}) },
      status: { state: "running", startedAt: since },
    };
    expect(decoded(taskKind, task).object).toMatchObject({ spec: { restarts: 2 }, status: { startedAt: since } });
    const node = { metadata: { name: "n" }, spec: { address: "unix:///a" }, status: { state: "down", since } };
    expect(decoded(nodeKind, node).object.status).toEqual({ state: "down", since });
  });
});

describe("a field that is wrong is named, in Kubernetes' words", () => {
  const name256 = "a".repeat(254);
  const subdomain =
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an " +
    "alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";
  const cases: readonly (readonly [string, KindDefinition, unknown, FieldError["type"], string, string])[] = [
    ["a body that is no object", nodeKind, [], "FieldValueTypeInvalid", "", "Invalid value: []: must be of type object"],
    [
      "another version",
      nodeKind,
      { ...nodeBody, apiVersion: "v1" },
      "FieldValueNotSupported",
      "apiVersion",
      'Unsupported value: "v1": supported values: "windlass.dev/v1"',
    ],
    [
      "another kind",
      nodeKind,
      { ...nodeBody, kind: "Pod" },
      "FieldValueNotSupported",
      "kind",
      'Unsupported value: "Pod": supported values: "Node"',
    ],
    [
      "metadata of a wrong type",
      nodeKind,
      { ...nodeBody, metadata: "x" },
      "FieldValueTypeInvalid",
      "metadata",
      'Invalid value: "x": must be of type object',
    ],
    [
      "a label's wrong type",
      nodeKind,
      withMetadata({ labels: { app: 1 } }),
      "FieldValueTypeInvalid",
      "metadata.labels.app",
      "Invalid value: 1: must be of type string",
    ],
    [
      "a label's odd key",
      nodeKind,
      withMetadata({ labels: { "a.b/c": 1 } }),
      "FieldValueTypeInvalid",
      "metadata.labels[a.b/c]",
      "Invalid value: 1: must be of type string",
    ],
    [
      "labels that are a list",
      nodeKind,
      withMetadata({ labels: [] }),
      "FieldValueTypeInvalid",
      "metadata.labels",
      "Invalid value: []: must be of type object",
    ],
    [
      "a name in capitals",
      nodeKind,
      withMetadata({ name: "A" }),
      "FieldValueInvalid",
      "metadata.name",
      `Invalid value: "A": ${subdomain}`,
    ],
    [
      "a name too long",
      nodeKind,
      withMetadata({ name: name256 }),
      "FieldValueInvalid",
      "metadata.name",
      `Invalid value: "${name256}": must be no more than 253 characters`,
    ],
    [
      "a namespace where none is",
      nodeKind,
      withMetadata({ namespace: "x" }),
      "FieldValueForbidden",
      "metadata.namespace",
      "Forbidden: not allowed on this type",
    ],
    [
      "a resourceVersion that is no number",
      nodeKind,
      withMetadata({ resourceVersion: "x" }),
      "FieldValueInvalid",
      "metadata.resourceVersion",
      'Invalid value: "x": must be an unsigned integer',
    ],
    [
      "an owner without a uid",
      nodeKind,
      withMetadata({ ownerReferences: [{ apiVersion: "a", kind: "B", name: "c" }] }),
      "FieldValueRequired",
      "metadata.ownerReferences[0].uid",
      "Required value",
    ],
    ["a spec that is missing", nodeKind, { metadata: { name: "n" } }, "FieldValueRequired", "spec.address", "Required value"],
    [
      "a spec that is a list",
      nodeKind,
      { ...nodeBody, spec: [] },
      "FieldValueTypeInvalid",
      "spec",
      "Invalid value: []: must be of type object",
    ],
    [
      "an address without a port",
      nodeKind,
      withSpec(nodeBody, { address: "tcp://host" }),
      "FieldValueInvalid",
      "spec.address",
      'Invalid value: "tcp://host": must be tcp://host:port, unix:///path, http://host[:port] or https://host[:port]',
    ],
    [
      "credentials in an address",
      nodeKind,
      withSpec(nodeBody, { address: "https://a:b@host" }),
      "FieldValueInvalid",
      "spec.address",
      'Invalid value: "https://a:b@host": must not contain credentials; name a secret in tls',
    ],
    [
      "an unknown availability",
      nodeKind,
      withSpec(nodeBody, { availability: "off" }),
      "FieldValueNotSupported",
      "spec.availability",
      'Unsupported value: "off": supported values: "active", "pause", "drain"',
    ],
    [
      "tls beside a socket",
      nodeKind,
      withSpec(nodeBody, { address: "unix:///run/d.sock", tls: { secretRef: { name: "a" } } }),
      "FieldValueInvalid",
      "spec.tls",
      'Invalid value: {"secretRef":{"name":"a"}}: may be given for a tcp:// or https:// address only',
    ],
    [
      "a negative count",
      serviceKind,
      withSpec(serviceBody, { replicas: -1 }),
      "FieldValueInvalid",
      "spec.replicas",
      "Invalid value: -1: must be greater than or equal to 0",
    ],
    [
      "half a task",
      serviceKind,
      withSpec(serviceBody, { replicas: 1.5 }),
      "FieldValueTypeInvalid",
      "spec.replicas",
      "Invalid value: 1.5: must be of type integer",
    ],
    [
      "a template that is missing",
      serviceKind,
      { metadata: { name: "s" } },
      "FieldValueRequired",
      "spec.template",
      "Required value",
    ],
    [
      "a port too high",
      serviceKind,
      withContainer({ ports: [{ containerPort: 1 }, { containerPort: 65_536 }] }),
      "FieldValueInvalid",
      "spec.template.spec.ports[1].containerPort",
      "Invalid value: 65536: must be less than or equal to 65535",
    ],
    [
      "a variable's name",
      serviceKind,
      withContainer({ env: { "1A": "x" } }),
      "FieldValueInvalid",
      "spec.template.spec.env",
      "Invalid value: \"1A\": a valid environment variable name must consist of letters, digits, '_', '-' or '.', and must not start with a digit",
    ],
    [
      "a variable's type",
      serviceKind,
      withContainer({ env: { PORT: 80 } }),
      "FieldValueTypeInvalid",
      "spec.template.spec.env.PORT",
      "Invalid value: 80: must be of type string",
    ],
    [
      "a duration",
      serviceKind,
      withContainer({ stopGracePeriod: "10" }),
      "FieldValueInvalid",
      "spec.template.spec.stopGracePeriod",
      'Invalid value: "10": must be a duration of at most a year, like 500ms, 10s or 1h30m',
    ],
    [
      "a quantity",
      serviceKind,
      withContainer({ resources: { limits: { memory: "64 MB" } } }),
      "FieldValueInvalid",
      "spec.template.spec.resources.limits.memory",
      'Invalid value: "64 MB": must be a quantity of whole bytes above 0, like 64Mi, 1G or 134217728',
    ],
    [
      "a reservation above its limit",
      serviceKind,
      withContainer({ resources: { limits: { memory: "1Mi" }, reservations: { memory: "1.5Mi" } } }),
      "FieldValueInvalid",
      "spec.template.spec.resources.reservations.memory",
      'Invalid value: "1.5Mi": must be less than or equal to the limit of 1Mi',
    ],
    [
      "a bind mount of no path",
      serviceKind,
      withContainer({ mounts: [{ type: "bind", source: "data", target: "/d" }] }),
      "FieldValueInvalid",
      "spec.template.spec.mounts[0].source",
      'Invalid value: "data": must be an absolute path of the node for a bind mount',
    ],
    [
      "two mounts at one place",
      serviceKind,
      withContainer({ mounts: [{ target: "/d" }, { target: "/d" }] }),
      "FieldValueInvalid",
      "spec.template.spec.mounts[1].target",
      'Invalid value: "/d": must be unique',
    ],
    [
      "a constraint without an operator",
      serviceKind,
      withContainer({ constraints: ["node.name=a"] }),
      "FieldValueInvalid",
      "spec.template.spec.constraints[0]",
      'Invalid value: "node.name=a": must be a key, one operator of ==, != and a value',
    ],
    [
      "a rollback of a rollback",
      serviceKind,
      withSpec(serviceBody, { rollback: { failureAction: "rollback" } }),
      "FieldValueNotSupported",
      "spec.rollback.failureAction",
      'Unsupported value: "rollback": supported values: "pause", "continue"',
    ],
    [
      "a state that is none",
      taskKind,
      { ...taskBody, status: { state: "gone" } },
      "FieldValueNotSupported",
      "status.state",
      'Unsupported value: "gone": supported values: "new", "pending", "assigned", "accepted", "preparing", "ready", "starting", "running", "complete", "shutdown", "failed", "rejected", "remove", "orphaned"',
    ],
    [
      "a subnet",
      networkKind,
      withSpec(networkBody, { ipam: { pools: [{ subnet: "10.0.0.0" }] } }),
      "FieldValueInvalid",
      "spec.ipam.pools[0].subnet",
      'Invalid value: "10.0.0.0": must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)',
    ],
    [
      "a retention",
      clusterKind,
      withSpec(clusterBody, { retention: "ever" }),
      "FieldValueInvalid",
      "spec.retention",
      'Invalid value: "ever": must be never, or a duration of at most a year, like 168h',
    ],
  ];
  test.each(cases)("%s", (_, definition, body, type, field, message) => {
    expect(errorsOf(definition, body)).toEqual([{ field, message, type }]);
  });

  test("all wrong fields are named at once, errorsMax of them at most", () => {
    const fields = errorsOf(nodeKind, { ...withMetadata({ labels: { a: 1 } }), spec: { role: "x" } }).map(({ field }) => field);
    expect(fields).toEqual(["metadata.labels.a", "spec.address", "spec.role"]);
    const labels = Object.fromEntries(Array.from({ length: errorsMax + 1 }, (_, index) => [`l${index}`, index]));
    expect(errorsOf(nodeKind, withMetadata({ labels }))).toHaveLength(errorsMax);
  });

  test("a create needs a name or the beginning of one", () => {
    expect(checkNamed({})).toEqual([
      { field: "metadata.name", message: "Required value: name or generateName is required", type: "FieldValueRequired" },
    ]);
    expect([...checkNamed({ name: "a" }), ...checkNamed({ generateName: "a-" })]).toEqual([]);
  });
});

describe("fields that the schema does not know", () => {
  test("they are left out and named, at every depth", () => {
    const body = {
      ...serviceBody,
      data: 1,
      metadata: { name: "web", colour: "red", ownerReferences: [{ apiVersion: "a", kind: "B", name: "c", uid: "d", x: 1 }] },
      spec: { size: 1, template: { spec: { image: "busybox", ports: [{ containerPort: 1, hostport: 2 }] } } },
      status: { colour: 1 },
    };
    const { object, unknownFields } = decoded(serviceKind, body);
    expect([...unknownFields].sort()).toEqual([
      "data",
      "metadata.colour",
      "metadata.ownerReferences[0].x",
      "spec.size",
      "spec.template.spec.ports[0].hostport",
      "status.colour",
    ]);
    expect(JSON.stringify(object)).not.toMatch(/colour|size|hostport|"data"/);
  });

  test("at most unknownFieldsMax of them are named", () => {
    const many = Object.fromEntries(Array.from({ length: unknownFieldsMax + 1 }, (_, index) => [`f${index}`, 1]));
    expect(decoded(nodeKind, { ...nodeBody, ...many }).unknownFields).toHaveLength(unknownFieldsMax);
  });

  test("__proto__ is one of them and sets nothing; constructor is a label as any other", () => {
    const text =
      '{"__proto__":{"a":1},"metadata":{"name":"n","labels":{"__proto__":"x","constructor":"y"}},"spec":{"address":"tcp://a:1","__proto__":{"role":"manager"}}}';
    const { object, unknownFields } = decoded(nodeKind, JSON.parse(text));
    expect(unknownFields).toEqual(["__proto__", "metadata.labels.__proto__", "spec.__proto__"]);
    expect(object.metadata.labels).toEqual({ constructor: "y" });
    expect(object.spec).toMatchObject({ role: "worker" });
    expect(({} as Record<string, unknown>)["a"]).toBeUndefined();
    expect(
      decoded(nodeKind, JSON.parse('{"metadata":{"name":"n"},"spec":{"address":"tcp://a:1","constructor":1}}')).unknownFields,
    ).toEqual(["spec.constructor"]);
  });

  test("null, and empty text in metadata, are absent", () => {
    const body = { ...nodeBody, metadata: { name: "n", creationTimestamp: null, uid: "", labels: null }, status: null };
    expect(decoded(nodeKind, body).object.metadata).toEqual({ name: "n" });
    expect(decoded(nodeKind, body).unknownFields).toEqual([]);
  });
});

describe("bounds", () => {
  /** A body with `depth` objects, one in the other. */
  const nested = (depth: number): unknown => JSON.parse(`${'{"a":'.repeat(depth)}1${"}".repeat(depth)}`);

  test("a body of bodyDepthMax levels is judged, one of one more is refused", () => {
    const fields = (depth: number) => errorsOf(nodeKind, nested(depth)).map(({ type }) => type);
    expect(fields(bodyDepthMax)).toEqual(["FieldValueRequired"]);
    expect(fields(bodyDepthMax + 1)).toEqual(["FieldValueTooLong"]);
    expect(fields(100_000)).toEqual(["FieldValueTooLong"]);
  });

  test("a message shows the beginning of a long value only", () => {
    const [error] = errorsOf(nodeKind, withSpec(nodeBody, { role: "x".repeat(100_000) }));
    expect(error?.message.length).toBeLessThan(400);
  });
});

const field = fc.constantFrom(
  "metadata",
  "spec",
  "name",
  "labels",
  "template",
  "image",
  "ports",
  "env",
  "address",
  "__proto__",
  "replicas",
);
const { tree } = fc.letrec<{ tree: Json }>((tie) => ({
  tree: fc.oneof(
    { depthSize: "small" },
    fc.constantFrom<Json>(null, true, -1, 1.5, "", "x", "10s", []),
    fc.array(tie("tree"), { maxLength: 3 }),
    fc.dictionary(field, tie("tree"), { maxKeys: 4 }),
  ),
}));
const bodies = [clusterBody, networkBody, nodeBody, serviceBody, taskBody] as const;

test("no JSON makes it throw, and what is taken is taken again unchanged", () => {
  let taken = 0;
  fc.assert(
    fc.property(
      fc.constantFrom(...bodies),
      fc.dictionary(fc.constantFrom("metadata", "spec", "status", "x"), tree),
      (example, change) => {
        const definition = builtinKinds.find(({ kind }) => kind === example["kind"]) ?? nodeKind;
        const body = JSON.parse(JSON.stringify(mergePatch(example, change)));
        const result = decodeObject(definition, body);
        if (!result.ok) return result.errors.length > 0;
        taken++;
        const again = decodeObject(definition, JSON.parse(JSON.stringify(result.object)));
        expect(again).toEqual({ ok: true, object: result.object, unknownFields: [] });
        return true;
      },
    ),
    { numRuns: 1_000 },
  );
  expect(taken).toBeGreaterThan(100);
});
