/**
 * NodeAgent: makes what is wanted of one node so, and shows what is there. With a life of its own it listens to its engine's events and
 * lists everything again from time to time; a round does that once. An event only says where to look.
 */
import type { Node } from "../../kinds/node.ts";
import type { Rows } from "../engine/call.ts";
import type { EngineEvent } from "../engine.ts";
import { EngineCutError } from "../engine-errors.ts";
import { Looks } from "./looks.ts";
import { tidyNetworks } from "./networks.ts";
import { relist } from "./relist.ts";
import { type Shared, Site } from "./site.ts";
import { Work } from "./work.ts";

export type NodeAgentOptions = {
  readonly shared: Shared;
  readonly node: Node;
  readonly signal: AbortSignal;
  /** The engine failed; undefined: it answered. */
  readonly report: (error: unknown) => void;
};

/** Others tell nothing that an object shows: exec_create, attach, top, resize, … */
const actions = new Set(
  "create start restart die oom stop kill pause unpause rename update destroy connect disconnect health_status".split(" "),
);

export class NodeAgent {
  readonly #site: Site;
  readonly #looks: Looks;
  readonly #work: Work;
  readonly #report: (error: unknown) => void;
  #hasListed = false;

  constructor({ shared, node, signal, report }: NodeAgentOptions) {
    this.#site = new Site(shared, node, signal);
    this.#report = report;
    this.#looks = new Looks(this.#site, () => this.wake());
    this.#work = new Work(this.#site, this.#looks, this.#report);
  }

  /** Its tasks, or the objects of its containers have changed. Nothing is done before these show what the engine has. */
  wake(): void {
    if (this.#hasListed) this.#work.wake();
  }

  /** @throws what the engine or the store does. */
  look(id: string): Promise<void> {
    return this.#looks.look(id);
  }

  /** As `look`, soon, together with others. */
  mark(id: string): void {
    this.#looks.mark(id);
  }

  /** Once all of it. `claim`: as Work's `settle` has it. @throws what the engine or the store does, or `claim`. */
  async round(claim: () => Promise<boolean>): Promise<{ readonly again: boolean }> {
    await this.#relist();
    return await this.#work.settle(claim);
  }

  /** Until its signal aborts; then nothing of it is underway any more. Never rejects. */
  async run(): Promise<void> {
    await this.#listenEver();
    await this.#work.idle();
  }

  async #listenEver(): Promise<void> {
    const { clock, logger, policy } = this.#site.shared;
    const { signal, nodeName } = this.#site;
    let waitMs = policy.retryMs.first;
    while (!signal.aborted) {
      const startedMs = clock.monotonic();
      try {
        await this.#listen();
      } catch (error) {
        if (signal.aborted) return;
        logger.log("info", "agent: an engine's events ended; it is listed and listened to anew", { node: nodeName, error });
        this.#report(error);
      }
      if (clock.monotonic() - startedMs > policy.relistMs) waitMs = policy.retryMs.first;
      // An abort ends the wait early; the loop's condition sees it.
      await clock.sleep(waitMs, signal).catch(() => undefined);
      waitMs = Math.min(policy.retryMs.last, 2 * waitMs);
    }
  }

  /** It listens before it lists, so that nothing happens unseen in between. Rejects when either fails. */
  async #listen(): Promise<never> {
    const { signal, shared } = this.#site;
    const left = new AbortController();
    const both = AbortSignal.any([signal, left.signal]);
    const engine = await this.#site.engine();
    const filters = { type: ["container", "network"] };
    const events = await engine.system.events({ filters }, { signal: both, timeoutMs: shared.policy.callMs });
    const hearing = this.#hear(events);
    const listing = this.#relistEver(both);
    try {
      return await Promise.race([hearing, listing]);
    } finally {
      left.abort();
      events.close();
      await Promise.allSettled([hearing, listing]);
    }
  }

  async #hear(events: Rows<EngineEvent>): Promise<never> {
    for await (const { Type, Action, Actor } of events) {
      if (!actions.has(Action.split(":", 1)[0] ?? "")) continue;
      const id = Type === "network" ? Actor.Attributes?.["container"] : Actor.ID;
      if (id !== undefined && /^[0-9a-f]{64}$/.test(id)) this.mark(id);
    }
    throw new EngineCutError(this.#site.node.spec.address, "events");
  }

  async #relistEver(signal: AbortSignal): Promise<never> {
    const { clock, ids, policy } = this.#site.shared;
    // Nodes that came together are not listed together again: a thousand lists at once would hold up all else.
    let waitMs = ids.random() * policy.relistMs;
    for (;;) {
      await this.#relist();
      this.#report(undefined);
      this.wake();
      await clock.sleep(waitMs, signal);
      waitMs = policy.relistMs;
    }
  }

  /** One container that can't be looked at does not hold up the others. @throws what the list does. */
  async #relist(): Promise<void> {
    const { logger } = this.#site.shared;
    const { signal, nodeName } = this.#site;
    const ids = await relist(this.#site);
    const looked = await Promise.allSettled(ids.map((id) => this.#looks.look(id)));
    signal.throwIfAborted();
    const failed = looked.filter((one) => one.status === "rejected");
    if (failed.length > 0) {
      logger.log("warn", "agent: some containers could not be looked at", {
        node: nodeName,
        failed: failed.length,
        error: failed[0]?.reason,
      });
    }
    this.#hasListed = true;
    await tidyNetworks(this.#site);
  }
}
