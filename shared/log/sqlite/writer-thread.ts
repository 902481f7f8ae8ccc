/**
 * The thread that writes: it owns the data folder's lock and its one writing connection, so that an fsync holds up nobody but those
 * who wait for it. It carries out requests in the order they come; see threaded.ts for the other side.
 */
import assert from "node:assert";
import { parentPort, workerData } from "node:worker_threads";
import { decodeEntry } from "../codec.ts";
import type { Appended } from "../ports.ts";
import { DataFolderError } from "./errors.ts";
import { openSqliteWriter } from "./open.ts";
import { type PackedAppended, type Reply, type Request, unpackRun, type WriterData } from "./thread-messages.ts";

assert(parentPort !== null, "this file is a worker's");
const port = parentPort;
const reply = (message: Reply): void => port.postMessage(message);

const store = open(workerData as WriterData);
if (store !== undefined) {
  const { log, objects, cells } = store;
  const calls = {
    strip: log.strip.bind(log),
    begin: objects.begin.bind(objects),
    move: objects.move.bind(objects),
    apply: objects.apply.bind(objects),
    remove: objects.remove.bind(objects),
    putCell: cells.put.bind(cells),
    deleteCell: cells.delete.bind(cells),
  };
  const carryOut = async (request: Request): Promise<unknown> => {
    switch (request.call) {
      case "append":
        return packed(
          await log.append(
            request.uid,
            unpackRun(request.run).map(({ revision, bytes }) => decodeEntry(revision, bytes)),
          ),
        );
      case "close":
        return store.close();
      default:
        // The other side calls with the port's own arguments.
        return (calls[request.call] as (...given: readonly unknown[]) => Promise<unknown>)(...request.arguments);
    }
  };
  port.on("message", (request: Request) => {
    carryOut(request).then(
      (value) => reply({ kind: "done", id: request.id, value }),
      (error: Error) => reply({ kind: "failed", id: request.id, failure: { name: error.name, message: error.message } }),
    );
    if (request.call === "close") port.unref();
  });
  reply({ kind: "open", file: store.file });
}

function open({ folder, pid }: WriterData): ReturnType<typeof openSqliteWriter> | undefined {
  try {
    return openSqliteWriter(folder, { pid });
  } catch (error) {
    if (!(error instanceof DataFolderError)) throw error;
    reply({ kind: "refused", problem: error.problem, message: error.message, pid: error.pid });
    return undefined;
  }
}

function packed(appended: Appended): PackedAppended {
  if (appended.kind !== "conflict") return appended;
  const { entry } = appended;
  return { kind: "conflict", entry: entry && { revision: entry.entry.revision, bytes: entry.bytes } };
}
