/**
 * The writer's thread as its callers see it: requests go there in order, and each is answered once; when the thread ends by itself,
 * those that wait learn that nobody knows.
 */
import { Worker } from "node:worker_threads";
import { DataFolderError, NotWrittenError, UnclearWriteError } from "./errors.ts";
import type { Failure, Reply, Request } from "./thread-messages.ts";

type Pending = { readonly resolve: (value: unknown) => void; readonly reject: (error: Error) => void };

/** Requests that were not answered yet are as many as the thread's own queue takes. */
export class Writer {
  readonly opened: Promise<string>;
  readonly #worker: Worker;
  readonly #pending = new Map<number, Pending>();
  #asked = 0;
  #ended = false;

  constructor(folder: string, pid: number) {
    // Beside this file it has this file's ending, in the sources as in a build.
    const file = `./writer-thread${import.meta.url.endsWith(".ts") ? ".ts" : ".js"}`;
    this.#worker = new Worker(new URL(file, import.meta.url), { workerData: { folder, pid } });
    this.opened = new Promise((resolve, reject) => {
      this.#worker.on("message", (reply: Reply) => this.#hear(reply, { folder, resolve, reject }));
      this.#worker.once("error", (error: Error) => {
        reject(error);
        this.#end(error);
      });
      this.#worker.once("exit", () => this.#end(new Error("the writer's thread has ended")));
    });
  }

  call(request: Omit<Request & { readonly call: "append" }, "id">, handOver: ArrayBuffer): Promise<unknown>;
  call(request: {
    readonly call: Exclude<Request["call"], "append" | "close">;
    readonly arguments: readonly unknown[];
  }): Promise<unknown>;
  call(request: { readonly call: "close" }): Promise<unknown>;
  call(request: object, handOver?: ArrayBuffer): Promise<unknown> {
    if (this.#ended) return Promise.reject(new NotWrittenError("the data folder was closed"));
    this.#asked += 1;
    const id = this.#asked;
    return new Promise((resolve, reject) => {
      this.#pending.set(id, { resolve, reject });
      this.#worker.postMessage({ id, ...request }, handOver === undefined ? [] : [handOver]);
    });
  }

  async close(): Promise<void> {
    if (this.#ended) return;
    await this.call({ call: "close" });
    await this.#worker.terminate();
  }

  #hear(
    reply: Reply,
    opening: { readonly folder: string; readonly resolve: (file: string) => void; readonly reject: (error: Error) => void },
  ): void {
    switch (reply.kind) {
      case "open":
        opening.resolve(reply.file);
        return;
      case "refused": {
        const { problem, message, pid } = reply;
        const why = message.replace(/^data folder .*?: /, "");
        opening.reject(new DataFolderError(opening.folder, { problem, why, ...(pid !== undefined && { pid }) }));
        return;
      }
      case "done":
        this.#take(reply.id)?.resolve(reply.value);
        return;
      case "failed":
        this.#take(reply.id)?.reject(errorOf(reply.failure));
        return;
      default:
        reply satisfies never;
    }
  }

  #take(id: number): Pending | undefined {
    const pending = this.#pending.get(id);
    this.#pending.delete(id);
    return pending;
  }

  /** What was not answered may have been written. */
  #end(cause: Error): void {
    this.#ended = true;
    for (const { reject } of this.#pending.values()) reject(new UnclearWriteError(cause));
    this.#pending.clear();
  }
}

function errorOf({ name, message }: Failure): Error {
  const cause = new Error(message);
  if (name === "NotWrittenError") return new NotWrittenError(message, cause);
  return name === "UnclearWriteError" ? new UnclearWriteError(cause) : cause;
}
