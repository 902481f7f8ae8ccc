/**
 * GET …/history?key=nodes/node-a: who changed an object when, and what, newest first, as far as the log reaches. For whoever may get
 * the cluster's objects.
 */

import type { JsonObject } from "../base/json.ts";
import type { ApiResponse } from "../http/exchange.ts";
import type { KindDefinition } from "../kinds/definition.ts";
import { checkName, checkNamespace } from "../kinds/names.ts";
import { apiVersion } from "../kinds/object.ts";
import { GoneError } from "../state/errors.ts";
import type { Store } from "../state/store.ts";
import { parseVersion, versionAt, versionOf } from "../state/version.ts";
import { readToken, writeToken } from "./continue-token.ts";
import { badRequest } from "./errors.ts";
import { type Cursor, type Found, walkHistory } from "./history-walk.ts";
import { mergeDiff } from "./merge-diff.ts";
import { inCluster, inRoot, type PathCall } from "./path-call.ts";
import { plainAnswer } from "./plain-answer.ts";
import { parseCount } from "./query.ts";

type Subject = { readonly key: string; readonly definition: KindDefinition; readonly name: string; readonly namespace?: string };

const limitDefault = 50;
/** Each change is at most an object of 128 KB and its entry is read whole: bounds an answer and what it costs. */
const limitMax = 200;

/** @throws RefusedError: no key, or not one that an object can have. */
export async function readHistory(call: PathCall): Promise<ApiResponse> {
  const subject = subjectOf(call);
  const run = (store: Store) => answer(call, store, subject);
  if (subject.definition.scope === "cluster") return inCluster(call, "get", run);
  if (call.cluster !== undefined) throw badRequest(`key: ${subject.definition.plural} live in the root only`);
  return inRoot(call, "get", () => run(call.api.clusters.root));
}

async function answer({ api, query }: PathCall, store: Store, subject: Subject): Promise<ApiResponse> {
  const { key, definition, name, namespace } = subject;
  const limit = Math.min(parseCount("limit", query("limit")) || limitDefault, limitMax);
  const markers = await api.objects.markers(store.uid);
  if (markers === undefined) throw new GoneError(0, `there is no cluster ${store.uid}`);
  const { value: object, revision } = await store.view((transaction) => transaction.of(definition).get(name, namespace));
  const token = query("continue") ?? "";
  const from = token === "" ? newest(revision, object?.metadata.resourceVersion) : cursorIn(token, store.uid, key);
  const { found, next } = await walkHistory({ log: api.log, uid: store.uid, key, markers, limit }, from);
  const more = next && writeToken({ uid: store.uid, revision: next.revision, after: next.kind }, key);
  return plainAnswer({
    kind: "HistoryList",
    apiVersion,
    metadata: { resourceVersion: versionAt(revision), ...(more !== undefined && { continue: more }) },
    // Whether the log still holds its first entry; if not, there may have been more than is told here.
    isWhole: markers.stripped < markers.first,
    items: found.map(shown),
  });
}

function newest(revision: number, version: string | undefined): Cursor {
  const position = version === undefined ? undefined : parseVersion(version);
  return position === undefined ? { kind: "below", revision: revision + 1 } : { kind: "at", revision: position.revision };
}

function cursorIn(text: string, uid: string, key: string): Cursor {
  const token = readToken(text, key);
  if (token.uid !== uid || (token.after !== "at" && token.after !== "below")) throw badRequest("continue key is not valid");
  return { kind: token.after, revision: token.revision };
}

function shown({ entry, change, place }: Found): JsonObject {
  const { revision, id, time, actor } = entry;
  const patch = patchOf(change);
  return {
    revision,
    resourceVersion: versionOf(revision, place),
    transaction: id,
    time: new Date(time).toISOString(),
    actor,
    action: change.action,
    ...(patch !== undefined && { patch }),
  };
}

/** What a create made, what an update changed; of a deletion nothing. Without what each change changes anyway. */
function patchOf(change: Found["change"]): JsonObject | undefined {
  switch (change.action) {
    case "create":
      return plain(change.value);
    case "update":
      return mergeDiff(plain(change.previous), plain(change.value)) ?? {};
    case "delete":
      return undefined;
    default:
      return change satisfies never;
  }
}

function plain(value: JsonObject): JsonObject {
  const { resourceVersion: _, managedFields: __, ...metadata } = (value["metadata"] ?? {}) as JsonObject;
  return { ...value, metadata };
}

function subjectOf({ api, query }: PathCall): Subject {
  const key = query("key") ?? "";
  const definition = api.registry.byKey(key);
  const [, ...parts] = key.split("/");
  const wanted = definition?.namespaced ? 2 : 1;
  const example = "nodes/node-a or services/default/web";
  if (definition === undefined || parts.length !== wanted)
    throw badRequest(`key: ${JSON.stringify(key)} is none; expected ${example}`);
  const name = parts.at(-1) ?? "";
  const namespace = definition.namespaced ? parts[0] : undefined;
  const [error] = [...checkName(name), ...(namespace === undefined ? [] : checkNamespace(namespace))];
  if (error !== undefined) throw badRequest(`key: ${error.message}`);
  return { key, definition, name, ...(namespace !== undefined && { namespace }) };
}
