/**
 * Does a node's jobs, as many at once as its engine takes, one at a time of each task. What fails in passing is tried again after a while;
 * what can't be is the task's end. Woken by changes; level-based: after each job the world is looked at anew.
 */
import { errorText } from "../../base/error-text.ts";
import { byNode } from "../../state/selector.ts";
import { isLeaving } from "../nodes/status.ts";
import { end, fail, refuse, removeContainer, settle, start, startAgain, stop } from "./acts.ts";
import { isRestless, type Job, jobsOf, type NodeWorld } from "./jobs.ts";
import type { Looks } from "./looks.ts";
import { prepare } from "./prepare.ts";
import { Pulls } from "./pull.ts";
import { TaskRefusedError } from "./refusal.ts";
import type { Site } from "./site.ts";
import { Tries } from "./tries.ts";

export class Work {
  readonly #site: Site;
  readonly #looks: Looks;
  readonly #pulls: Pulls;
  readonly #onFailure: (error: unknown) => void;
  readonly #underway = new Map<string, Promise<void>>();
  readonly #tries: Tries;
  #isWoken = false;
  /** Its node is being removed, as of the last look. */
  #isLeaving = false;
  #turn: Promise<void> | undefined;

  /** `onFailure`: a job failed in passing. */
  constructor(site: Site, looks: Looks, onFailure: (error: unknown) => void) {
    this.#site = site;
    this.#looks = looks;
    this.#pulls = new Pulls(site);
    this.#tries = new Tries(site.shared.clock, site.shared.policy.retryMs);
    this.#onFailure = onFailure;
  }

  /** There may be something to do. */
  wake(): void {
    this.#isWoken = true;
    this.#turn ??= this.#plan().finally(() => {
      this.#turn = undefined;
      // Woken in the moment between the plan's last look and this.
      if (this.#isWoken && !this.#site.signal.aborted) this.wake();
    });
  }

  /**
   * Resolves when nothing is underway and nothing is to be done now. `again`: something will be. `claim`: asked where there is something to
   * do, before it is begun; false: somebody else does it. @throws what the store or `claim` does.
   */
  async settle(claim: () => Promise<boolean>): Promise<{ readonly again: boolean }> {
    const before = await this.#world();
    if (jobsOf(before).length === 0) return { again: isRestless(before) };
    if (!(await claim())) return { again: true };
    this.wake();
    await this.idle();
    if (this.#site.signal.aborted) return { again: true };
    const world = await this.#world();
    return { again: jobsOf(world).length > 0 || isRestless(world) };
  }

  /** Resolves when nothing is underway; soon, once the signal has aborted. */
  async idle(): Promise<void> {
    while (this.#turn !== undefined || this.#underway.size > 0) {
      await this.#turn;
      if (this.#underway.size > 0) await Promise.race(this.#underway.values());
    }
  }

  async #plan(): Promise<void> {
    const { logger } = this.#site.shared;
    while (this.#isWoken && !this.#site.signal.aborted) {
      this.#isWoken = false;
      try {
        const jobs = jobsOf(await this.#world());
        const keys = new Set(jobs.map(tryKey));
        this.#tries.keep((key) => keys.has(key));
        for (const job of jobs) if (!this.#underway.has(job.key) && this.#tries.isDue(tryKey(job))) this.#begin(job);
      } catch (error) {
        logger.log("warn", "agent: a node's tasks could not be read; the next change or relist does", {
          node: this.#site.nodeName,
          error,
        });
      }
    }
  }

  async #world(): Promise<NodeWorld> {
    const { nodeName } = this.#site;
    const { value } = await this.#site.shared.store.view(({ nodes, tasks, containers }) => {
      const node = nodes.get(nodeName);
      const isNodeLeaving = node !== undefined && isLeaving(node);
      const of = byNode(nodeName);
      return { nodeName, isLeaving: isNodeLeaving, tasks: tasks.find(of), containers: containers.find(of) };
    });
    this.#isLeaving = value.isLeaving;
    return value;
  }

  #begin(job: Job): void {
    const done = this.#do(job).finally(() => {
      this.#underway.delete(job.key);
      this.wake();
    });
    this.#underway.set(job.key, done);
  }

  /** Never rejects. */
  async #do(job: Job): Promise<void> {
    const [key, version] = [tryKey(job), versionOf(job)];
    try {
      if (this.#tries.isVain(key, version)) throw new Error("it was done, and nothing came of it");
      await this.#carryOut(job);
      this.#tries.done(key, version);
    } catch (error) {
      if (this.#site.signal.aborted) return;
      if (error instanceof TaskRefusedError && "task" in job) await this.#refuse(job, error);
      else this.#putOff(job, error);
    }
  }

  async #carryOut(job: Job): Promise<void> {
    const last = { isLast: this.#isLeaving };
    switch (job.do) {
      case "prepare": {
        const id = await prepare(this.#site, this.#pulls, job.task);
        if (id !== undefined) await start(this.#site, this.#looks, job.task, id);
        return;
      }
      case "start":
        return await startAgain(this.#site, this.#looks, job);
      case "settle":
        return await settle(this.#site, job);
      case "stop":
        return await stop(this.#site, this.#looks, job);
      case "end":
        return await end(this.#site, job, last);
      case "fail":
        return await fail(this.#site, job);
      case "remove":
        return await removeContainer(this.#site, job, last);
      default:
        job satisfies never;
    }
  }

  async #refuse(job: Extract<Job, { readonly task: unknown }>, { state, message }: TaskRefusedError): Promise<void> {
    try {
      await refuse(this.#site, job.task, { state, message });
    } catch (error) {
      this.#putOff(job, error);
    }
  }

  #putOff(job: Job, error: unknown): void {
    const { clock, logger } = this.#site.shared;
    const waitMs = this.#tries.failed(tryKey(job));
    logger.log("info", "agent: a job failed and is tried again", {
      node: this.#site.nodeName,
      job: job.do,
      of: job.key,
      waitMs,
      error,
    });
    if ("task" in job) {
      const message = `Back-off ${waitMs / 1_000}s before another try to ${job.do} it: ${errorText(error)}`;
      this.#site.tell(job.task, { type: "Warning", reason: "BackOff", message });
    }
    this.#onFailure(error);
    clock.sleep(waitMs, this.#site.signal).then(
      () => this.wake(),
      () => undefined, // the agent has ended
    );
  }
}

/** Another thing to do with a task is another beginning. */
const tryKey = (job: Job): string => `${job.do} ${job.key}`;

/** Of all that the job was decided on. */
function versionOf(job: Job): string {
  const parts = ["task" in job ? job.task : undefined, "container" in job ? job.container : undefined];
  return parts.map((part) => part?.metadata.resourceVersion ?? "").join(" ");
}
