/**
 * GET …/export: all objects of a cluster as of one revision, exact, as JSON lines: a head that says of what, a line an object, and an
 * end that counts them; an export without its end is not whole. For the cluster's admin. import.ts takes it back.
 */

import type { Json, JsonObject } from "../base/json.ts";
import { jsonText } from "../base/json.ts";
import { type ApiResponse, respond } from "../http/exchange.ts";
import { type KindDefinition, keyOf } from "../kinds/definition.ts";
import { apiVersion, type WindlassObject } from "../kinds/object.ts";
import { defaultCluster } from "../state/clusters.ts";
import { all } from "../state/selector.ts";
import type { Store } from "../state/store.ts";
import { versionAt } from "../state/version.ts";
import { inCluster, type PathCall } from "./path-call.ts";
import { revisionHeader } from "./present.ts";
import { statusCodes } from "./status.ts";

/** Of an export's form: a reader refuses a higher one. */
const exportVersion = 1;
/** Objects that are read, and wait for a slow reader, at once: at most 64 MB, usually half a MB. */
const pageObjects = 500;

export const exportCluster = (call: PathCall): Promise<ApiResponse> =>
  inCluster(call, "administer", async (store) => {
    const head = await headOf(call, store);
    const headers = {
      "content-type": "application/x-ndjson",
      "cache-control": "no-store, private",
      [revisionHeader]: versionAt(head.revision),
    };
    const kinds = store.registry.definitions.filter(({ scope }) => scope === "cluster");
    const lines = exportLines(store, head, kinds);
    return respond(ReadableStream.from(lines), { status: statusCodes.ok, headers });
  });

type Head = { readonly revision: number; readonly text: string };

async function headOf({ api, cluster = defaultCluster }: PathCall, store: Store): Promise<Head> {
  const { value: object } = await api.clusters.root.view((transaction) => transaction.clusters.get(cluster));
  const { revision } = await store.view(() => undefined);
  const head: JsonObject = {
    kind: "Export",
    apiVersion,
    version: exportVersion,
    release: api.release,
    cluster: { name: cluster, uid: store.uid, spec: (object?.spec ?? {}) as Json },
    resourceVersion: versionAt(revision),
    time: new Date(api.clock.now()).toISOString(),
  };
  return { revision, text: JSON.stringify(head) };
}

async function* exportLines(store: Store, head: Head, kinds: readonly KindDefinition[]): AsyncGenerator<Uint8Array> {
  const encoder = new TextEncoder();
  yield encoder.encode(`${head.text}\n`);
  let objects = 0;
  for (const definition of kinds) {
    for await (const page of pagesOf(store, definition, head.revision)) {
      objects += page.length;
      yield encoder.encode(page.map((object) => `${jsonText(object)}\n`).join(""));
    }
  }
  yield encoder.encode(`${JSON.stringify({ kind: "ExportEnd", apiVersion, objects })}\n`);
}

async function* pagesOf(store: Store, definition: KindDefinition, at: number): AsyncGenerator<readonly WindlassObject[]> {
  for (let after: string | undefined; ; ) {
    const options = { limit: pageObjects, ...(after !== undefined && { after }) };
    const { value: page } = await store.view((transaction) => transaction.of(definition).find(all, options), { at });
    if (page.length > 0) yield page;
    const last = page.at(-1);
    if (last === undefined || page.length < pageObjects) return;
    after = keyOf(definition, last.metadata.name, last.metadata.namespace);
  }
}
