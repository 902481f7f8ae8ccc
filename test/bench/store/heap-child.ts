/** The process that heap.ts measures memory in: `node --expose-gc heap-child.ts <HeapQuestion as JSON> <folder>`. Prints a HeapAnswer. */
import assert from "node:assert";
import { randomUUID } from "node:crypto";
import { join } from "node:path";
import { jsonText } from "../../../shared/base/json.ts";
import { nodeKind } from "../../../shared/kinds/node.ts";
import { openSqlite } from "../../../shared/log/sqlite/open.ts";
import { onAny } from "../../../shared/state/event.ts";
import { byName } from "../../../shared/state/selector.ts";
import { beginStore, createNodes, nodeName, openExclusiveMemory, openStore } from "./open.ts";

export type HeapQuestion = { readonly what: "watchers" | "nodes" | "indexedNodes"; readonly count: number };
export type HeapAnswer = { readonly bytes: number; readonly jsonBytes: number; readonly count: number };

const [, , question = "", folder = ""] = process.argv;
const { what, count } = JSON.parse(question) as HeapQuestion;
const answer = what === "watchers" ? await watchers() : await nodes(what === "indexedNodes");
process.stdout.write(JSON.stringify({ ...answer, count }));

type Bytes = Omit<HeapAnswer, "count">;

async function watchers(): Promise<Bytes> {
  const store = await beginStore(openExclusiveMemory());
  const watch = (index: number) => store.watch(...onAny(nodeKind, byName(nodeName(index))));
  // What all share is there before.
  await watch(count);
  const before = used();
  for (let index = 0; index < count; index += 1) await watch(index);
  const bytes = used() - before;
  assert(store.load.watchers === count + 1, "all are live");
  store.close();
  return { bytes, jsonBytes: 0 };
}

async function nodes(indexed: boolean): Promise<Bytes> {
  const path = join(folder, randomUUID());
  const uid = await fill(path);
  const ports = openSqlite(path, { pid: process.pid });
  const before = used();
  const store = openStore(ports, uid);
  await store.view((transaction) => transaction.nodes.find().length);
  if (indexed) await store.view((transaction) => transaction.nodes.find(byName(nodeName(1))).length);
  const bytes = used() - before;
  const { value: jsonBytes } = await store.view((transaction) =>
    transaction.nodes.find().reduce((sum, node) => sum + jsonText(node).length, 0),
  );
  store.close();
  await ports.close();
  return { bytes, jsonBytes };
}

async function fill(path: string): Promise<string> {
  const ports = openSqlite(path, { pid: process.pid });
  const store = await beginStore(ports);
  await store.view((transaction) => transaction.nodes.find());
  await createNodes(store, count, { labels: { zone: "a" } });
  store.close();
  await ports.close();
  return store.uid;
}

function used(): number {
  assert(globalThis.gc !== undefined, "run with --expose-gc");
  for (let pass = 0; pass < 4; pass += 1) globalThis.gc();
  const { heapUsed, external, arrayBuffers } = process.memoryUsage();
  return heapUsed + external + arrayBuffers;
}
