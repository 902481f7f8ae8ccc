/** The memory that one idle watcher and one cached object take: each measured in a process of its own, after its garbage is gone. */
import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { type Group, type Row, whole } from "../report.ts";
import type { HeapAnswer, HeapQuestion } from "./heap-child.ts";

const child = join(import.meta.dirname, "heap-child.ts");

const questions: Readonly<Record<string, HeapQuestion>> = {
  "watcher, idle, of 10,000": { what: "watchers", count: 10_000 },
  "node, of 10,000 listed": { what: "nodes", count: 10_000 },
  "node, of 100,000 listed": { what: "nodes", count: 100_000 },
  "node, of 100,000 listed and found by name": { what: "indexedNodes", count: 100_000 },
};
const quickCount = 100;

export const heapGroup: Group = {
  title: "memory",
  workloads: Object.keys(questions),
  async run(wanted, context) {
    const rows: Row[] = [];
    for (const [name, question] of Object.entries(questions)) {
      if (!wanted.has(name)) continue;
      context.progress(name, "filling");
      rows.push(row(name, await ask({ ...question, ...(context.quick && { count: quickCount }) }, context.folder)));
    }
    return {
      title: this.title,
      columns: ["heap each", "of which JSON text", "in all"],
      rows,
      notes: [
        "Heap and buffers after a full collection, less what was there before. Nodes: read cold from SQLite by a new store, so that nothing else holds them; the text is kept with its object, for commits and answers share it. Watchers: each by another name.",
      ],
    };
  },
};

async function ask(question: HeapQuestion, folder: string): Promise<HeapAnswer> {
  const args = ["--expose-gc", child, JSON.stringify(question), folder];
  const { stdout } = await promisify(execFile)(process.execPath, args);
  return JSON.parse(stdout) as HeapAnswer;
}

function row(workload: string, { bytes, jsonBytes, count }: HeapAnswer): Row {
  const each = bytes / count;
  return {
    workload,
    cells: [
      `${whole(each)} bytes`,
      jsonBytes === 0 ? "" : `${whole(jsonBytes / count)}`,
      `${(bytes / 1024 / 1024).toFixed(1)} MB`,
    ],
    figures: { bytesEach: each, jsonBytesEach: jsonBytes / count, count },
    bars: [],
  };
}
