/**
 * The subresource scale: how many of something an object asks for, as Kubernetes' autoscaling/v1 Scale, so that one client scales
 * every kind. Reading shows a part of the object, writing changes that part of its spec and nothing else.
 */
import { z } from "zod";
import type { Json, JsonObject } from "../base/json.ts";
import { invalid as invalidField } from "../kinds/field-error.ts";
import type { WindlassObject } from "../kinds/object.ts";
import { issueErrors } from "../kinds/schema-issue.ts";
import { contentType, jsonPatchType, jsonTypes, lazyBody, mergePatchType, requiredBody } from "./body.ts";
import { type ItemCall, inStore } from "./call.ts";
import { badRequest, invalid, notFound } from "./errors.ts";
import { checkPlace } from "./get.ts";
import { patchedBy } from "./patch.ts";
import { checkNamespaceFits, decodeUpdate, runWrite } from "./pipeline.ts";
import { presentJson } from "./present.ts";
import type { Propose, Write } from "./write.ts";
import { writeOptions } from "./write-options.ts";

const patchTypes = [mergePatchType, jsonPatchType] as const;

const scaleSchema = z.object({
  apiVersion: z.literal("autoscaling/v1").optional(),
  kind: z.literal("Scale").optional(),
  metadata: z
    .object({
      name: z.string().optional(),
      namespace: z.string().optional(),
      uid: z.string().optional(),
      resourceVersion: z.string().optional(),
    })
    .prefault({}),
  // Go's zero value: a client may leave it out for none.
  spec: z.object({ replicas: z.int().default(0) }).prefault({}),
});

export function getScale(call: ItemCall): Promise<Response> {
  return inStore(call, "get", async (store) => {
    const { definition, name, namespace } = call;
    checkPlace(call);
    const { value, revision } = await store.view((transaction) => transaction.of(definition).get(name, namespace));
    if (value === undefined) throw notFound(definition, name);
    return presentScale(call, value, revision);
  });
}

export function replaceScale(call: ItemCall): Promise<Response> {
  const body = lazyBody(call.request, jsonTypes);
  return inStore(call, "update", async (store) => {
    checkPlace(call);
    const write = writeOf(call, "UpdateOptions");
    const wanted = await requiredBody(body);
    const { object, revision } = await runWrite(
      store,
      write,
      scaled(write, () => wanted),
    );
    return presentScale(call, object, revision);
  });
}

export function patchScale(call: ItemCall): Promise<Response> {
  const type = contentType(call.request.headers.get("content-type"));
  const body = lazyBody(call.request, patchTypes);
  return inStore(call, "patch", async (store) => {
    checkPlace(call);
    const write = writeOf(call, "PatchOptions");
    const patch = await requiredBody(body);
    const propose = scaled(write, (current) => patchedBy(type, write, { current: scaleOf(write, current) as Json, patch }));
    const { object, revision } = await runWrite(store, write, propose);
    return presentScale(call, object, revision);
  });
}

function writeOf(call: ItemCall, options: "UpdateOptions" | "PatchOptions"): Write {
  const { definition, namespace, name, principal } = call;
  return {
    operation: "update",
    definition,
    namespace,
    name,
    subresource: "scale",
    options: writeOptions(call, options),
    principal,
  };
}

/** From the Scale that is wanted to the object that has it. */
function scaled(write: Write, wanted: (current: WindlassObject) => Json): Propose {
  return (current) => {
    const { definition, name, namespace } = write;
    if (current === undefined) throw notFound(definition, name);
    const { metadata, spec } = decodeScale(name, wanted(current));
    if ((metadata.name ?? name) !== name)
      throw badRequest(`the name of the object (${metadata.name}) does not match the name on the URL (${name})`);
    checkNamespaceFits(metadata.namespace || undefined, namespace);
    const { resourceVersion: _, uid: __, ...kept } = current.metadata;
    const { uid, resourceVersion } = metadata;
    const named = { ...(uid && { uid }), ...(resourceVersion && { resourceVersion }) };
    const body = { ...current, metadata: { ...kept, ...named }, spec: definition.scaling?.spec(current, spec.replicas) };
    return decodeUpdate({ ...write, subresource: undefined }, body as unknown as Json, current);
  };
}

/** @throws RefusedError: invalid. */
function decodeScale(name: string, body: Json): z.infer<typeof scaleSchema> {
  const parsed = scaleSchema.safeParse(body, { reportInput: true });
  if (!parsed.success) throw invalid("Scale", name, issueErrors("", parsed.error.issues));
  const { replicas } = parsed.data.spec;
  if (replicas >= 0) return parsed.data;
  throw invalid("Scale", name, [invalidField("spec.replicas", replicas, "must be greater than or equal to 0")]);
}

function scaleOf({ definition }: Pick<ItemCall, "definition">, object: WindlassObject): JsonObject {
  const { name, namespace, uid, resourceVersion, creationTimestamp } = object.metadata;
  const view = definition.scaling?.view(object);
  return {
    kind: "Scale",
    apiVersion: "autoscaling/v1",
    metadata: { name, ...(namespace !== undefined && { namespace }), uid, resourceVersion, creationTimestamp },
    spec: { replicas: view?.wanted ?? 0 },
    status: { replicas: view?.there ?? 0, ...(view?.selector && { selector: view.selector }) },
  };
}

const presentScale = (call: ItemCall, object: WindlassObject, revision: number): Response =>
  presentJson(JSON.stringify(scaleOf(call, object)), { revision });
