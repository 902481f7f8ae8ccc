/**
 * Makes objects what the engine shows, one container a look: inspect, then commit what changed. Looks at one container follow each other,
 * so that an older answer never stands over a newer one; two that wait for the same are one. Stale attempts that are met are removed.
 */
import type { ContainerDetails } from "../engine/containers.ts";
import { EngineAnswerError, NoSuchContainerError } from "../engine-errors.ts";
import { forget, observe, type Seen } from "./observe.ts";
import type { Site } from "./site.ts";

type Running = { readonly done: Promise<void>; next?: Promise<void> };

/** Twice the containers that a node may show. */
const marksMax = 10_000;

export class Looks {
  readonly #site: Site;
  readonly #onChange: () => void;
  readonly #running = new Map<string, Running>();
  readonly #marked = new Set<string>();
  #isGathering = false;

  /** `onChange`: some object or task was written. */
  constructor(site: Site, onChange: () => void) {
    this.#site = site;
    this.#onChange = onChange;
  }

  /** Something happened to that container: it is looked at soon, together with what else happens. */
  mark(id: string): void {
    // Of an engine that tells of more the next relist finds what is true.
    if (this.#marked.size < marksMax) this.#marked.add(id);
    if (!this.#isGathering) void this.#gather();
  }

  /** A look that begins after this call. @throws what the engine or the store does; then nothing changed. */
  look(id: string): Promise<void> {
    const running = this.#running.get(id);
    if (running === undefined) return this.#begin(id);
    running.next ??= running.done.then(
      () => this.#begin(id),
      () => this.#begin(id),
    );
    return running.next;
  }

  #begin(id: string): Promise<void> {
    const running: Running = {
      done: this.#lookNow(id).finally(() => {
        // The next one takes its place.
        if (running.next === undefined) this.#running.delete(id);
      }),
    };
    this.#running.set(id, running);
    return running.done;
  }

  async #gather(): Promise<void> {
    const { clock, policy, logger } = this.#site.shared;
    this.#isGathering = true;
    // An abort leaves what is marked; the loop's condition sees it.
    await clock.sleep(policy.gatherMs, this.#site.signal).catch(() => undefined);
    this.#isGathering = false;
    const ids = [...this.#marked];
    this.#marked.clear();
    if (this.#site.signal.aborted) return;
    for (const id of ids) {
      this.look(id).catch((error: unknown) => {
        if (!this.#site.signal.aborted)
          logger.log("info", "a container could not be looked at; the next relist does", {
            node: this.#site.nodeName,
            id,
            error,
          });
      });
    }
  }

  async #lookNow(id: string): Promise<void> {
    const { commits, uids } = this.#site.shared;
    const { node, nodeName } = this.#site;
    const details = await this.#inspect(id);
    if (details === undefined) {
      if (await commits.run((transaction) => forget(transaction, { nodeName, id }))) this.#onChange();
      return;
    }
    const look = { node, details, uids: await uids() };
    await this.#after(await commits.run((transaction) => observe(transaction, look)), details);
  }

  /** undefined: the engine has it no more. */
  async #inspect(id: string): Promise<ContainerDetails | undefined> {
    try {
      const details = await this.#site.call((engine, call) => engine.containers.inspect(id, {}, call));
      if (details.Id !== id)
        throw new EngineAnswerError(this.#site.node.spec.address, `inspect of ${id}`, `it is about ${details.Id}`);
      return details;
    } catch (error) {
      if (error instanceof NoSuchContainerError) return undefined;
      throw error;
    }
  }

  async #after(seen: Seen, details: ContainerDetails): Promise<void> {
    const { logger } = this.#site.shared;
    switch (seen.kind) {
      case "same":
        return;
      case "changed":
        this.#tell(seen, details);
        this.#onChange();
        return;
      case "elsewhere":
        logger.log("warn", "a container is another node's as well: one engine is registered twice", {
          node: this.#site.nodeName,
          other: seen.nodeName,
          id: details.Id,
        });
        return;
      case "stale":
        logger.log("info", "a stale attempt is removed", { node: this.#site.nodeName, id: details.Id, name: details.Name });
        await this.#site
          .call((engine, call) => engine.containers.remove(details.Id, { force: true, volumes: true }, call))
          .catch(ignoreGone);
        return;
      default:
        seen satisfies never;
    }
  }

  #tell({ task }: Extract<Seen, { kind: "changed" }>, { State }: ContainerDetails): void {
    if (task === undefined || task.move.state !== "failed") return;
    const isUnhealthy = State.Running && State.Health?.Status === "unhealthy";
    const message = isUnhealthy ? `its health check failed: ${lastOutput(State.Health)}` : (task.move.message ?? "");
    this.#site.tell(task.task, { type: "Warning", reason: isUnhealthy ? "Unhealthy" : "Failed", message });
  }
}

/** Docker keeps the output of the last checks, the newest last. */
function lastOutput(health: ContainerDetails["State"]["Health"]): string {
  const log = health?.["Log"];
  const last: unknown = Array.isArray(log) ? log.at(-1) : undefined;
  const output = typeof last === "object" && last !== null && "Output" in last ? last.Output : undefined;
  return typeof output === "string" ? output.trim() : "";
}

function ignoreGone(error: unknown): void {
  if (!(error instanceof NoSuchContainerError)) throw error;
}
