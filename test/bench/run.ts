/** Runs the groups of a bench one after the other, with what they need around them; all of it is gone when it returns. */
import { mkdirSync, mkdtempSync } from "node:fs";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { missingTools } from "../localstack/install.ts";
import { cacheFolder, type LocalStack, startLocalStack } from "../localstack/start.ts";
import type { Context, Group, Progress, Result } from "./report.ts";

export type RunOptions = {
  readonly quick: boolean;
  /** Only workloads of whose `title: name` this matches a part. */
  readonly only?: RegExp;
  readonly progress: Progress;
  /** Used instead of starting LocalStack. */
  readonly endpoint?: string;
};

/** One more is dropped as warm-up. */
const rounds = 7;
const quickRounds = 1;

/** Beside the checkout's packages: the disk that `npm start` would write to, which a folder for temporary files may not be on. */
const cache = join(import.meta.dirname, "../../node_modules/.cache");

export async function runBench(groups: readonly Group[], options: RunOptions): Promise<Result[]> {
  const { quick, only, progress, endpoint } = options;
  mkdirSync(cache, { recursive: true });
  const folder = mkdtempSync(join(cache, "windlass-bench-"));
  const stacks = new LocalStacks(endpoint, progress);
  try {
    const context: Context = {
      quick,
      rounds: quick ? quickRounds : rounds,
      folder,
      progress,
      localStack: () => stacks.get(),
    };
    const results: Result[] = [];
    for (const group of groups) {
      const wanted = group.workloads.filter((name) => only === undefined || only.test(`${group.title}: ${name}`));
      if (wanted.length > 0) results.push(await group.run(new Set(wanted), context));
    }
    return results;
  } finally {
    await stacks.stop();
    await rm(folder, { recursive: true, force: true });
  }
}

/** At most one, started at the first wish. */
class LocalStacks {
  readonly #endpoint: string | undefined;
  readonly #progress: Progress;
  #started: LocalStack | undefined;

  constructor(endpoint: string | undefined, progress: Progress) {
    this.#endpoint = endpoint;
    this.#progress = progress;
  }

  async get(): ReturnType<Context["localStack"]> {
    if (this.#endpoint !== undefined) return { endpoint: this.#endpoint };
    const missing = await missingTools(cacheFolder());
    if (missing.length > 0) return { missing: `needs ${missing.join(", ")}: install that, or set AWS_ENDPOINT_URL` };
    this.#progress("LocalStack", "starting");
    this.#started ??= await startLocalStack();
    return { endpoint: this.#started.endpoint };
  }

  async stop(): Promise<void> {
    await this.#started?.stop();
  }
}
