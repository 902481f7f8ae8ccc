/** Many open answers, held by the load's program as long as they are wanted (load/hold.go), and what it tells of a load. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";

export type Result = {
  readonly operations: number;
  readonly seconds: number;
  readonly perSecond: number;
  readonly p50Us: number;
  readonly p99Us: number;
  readonly maxUs: number;
};
/** Open connections, until `end`. */
export type Held = {
  /** Seconds that opening them took. */
  readonly seconds: number;
  /** One put, and how long after it was sent the watchers had its event. */
  put(): Promise<Result>;
  end(): Promise<void>;
};

/** Resolves when all are open. `words`: the program's flags. */
export async function hold(program: string, words: readonly string[]): Promise<Held> {
  const child = spawn(program, words, { stdio: ["pipe", "pipe", "inherit"] });
  const exited = once(child, "exit");
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const next = async (): Promise<Result> => {
    const { value, done } = await lines.next();
    if (done === true) throw new Error("the load ended; it says why above");
    return JSON.parse(value) as Result;
  };
  const { seconds } = await next();
  return {
    seconds,
    put: () => {
      child.stdin.write("put\n");
      return next();
    },
    end: async () => {
      child.stdin.end();
      await exited;
    },
  };
}
