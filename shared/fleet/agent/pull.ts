/**
 * Sees to a task's image. What is there is used, as with docker run; but under the tag latest, as with swarm, an image that came from a
 * registry is pulled anew, and if that fails the one that is there is used. One pull of an image at a time.
 */
import { errorText } from "../../base/error-text.ts";
import type { Task } from "../../kinds/task.ts";
import type { ImageDetails } from "../engine/images.ts";
import type { RegistryAuth } from "../engine/transfers.ts";
import { EngineError, EngineTimeoutError, NoSuchImageError, TransferFailedError } from "../engine-errors.ts";
import { InvalidOptionError } from "../fleet/errors.ts";
import { type ImageReference, parseReference } from "../fleet/image-reference.ts";
import { registryAuthOf } from "../secrets/forms.ts";
import { NoSuchSecretError } from "../secrets/resolver.ts";
import { TaskRefusedError } from "./refusal.ts";
import type { Site } from "./site.ts";

export class Pulls {
  readonly #site: Site;
  readonly #underway = new Map<string, Promise<void>>();

  constructor(site: Site) {
    this.#site = site;
  }

  /** `onPull`: called before an image is pulled. @throws TaskRefusedError when it can't be had; what the engine does when it is not reached. */
  async ensure(task: Task, onPull: () => Promise<void>): Promise<void> {
    const { image, pullSecretRef } = task.spec.template.spec;
    const reference = parsed(image);
    const present = await this.#inspect(image);
    if (present !== undefined && !mayBeOld(reference, present)) return;
    await onPull();
    const key = JSON.stringify([image, pullSecretRef?.name]);
    const pull = this.#underway.get(key) ?? this.#pull(task, reference).finally(() => this.#underway.delete(key));
    this.#underway.set(key, pull);
    try {
      await pull;
    } catch (error) {
      if (present === undefined) throw error;
      const message = `Failed to pull image "${image}": ${errorText(error)}; the one that is on the node is used`;
      this.#site.tell(task, { type: "Warning", reason: "Failed", message });
    }
  }

  async #pull(task: Task, { registry }: ImageReference): Promise<void> {
    const { image, pullSecretRef } = task.spec.template.spec;
    const { clock, policy } = this.#site.shared;
    this.#site.tell(task, { type: "Normal", reason: "Pulling", message: `Pulling image "${image}"` });
    const auth = pullSecretRef && (await this.#auth(pullSecretRef.name, registry));
    const startedMs = clock.monotonic();
    const idleMs = policy.pullSilenceMs;
    let hasAnswered = false;
    try {
      await this.#site.pull(async (engine, signal) => {
        const rows = await engine.transfers.pull(
          { reference: image, ...(auth && { auth }) },
          { signal, timeoutMs: idleMs, idleMs },
        );
        hasAnswered = true;
        for await (const _ of rows);
      });
    } catch (error) {
      throw isFinal(error, hasAnswered)
        ? new TaskRefusedError(`Failed to pull image "${image}": ${errorText(error)}`, { cause: error })
        : error;
    }
    const seconds = ((clock.monotonic() - startedMs) / 1_000).toFixed(1);
    this.#site.tell(task, { type: "Normal", reason: "Pulled", message: `Successfully pulled image "${image}" in ${seconds}s` });
  }

  async #auth(name: string, registry: string): Promise<RegistryAuth> {
    try {
      return registryAuthOf(name, await this.#site.shared.secrets.resolve(name), registry);
    } catch (error) {
      if (error instanceof NoSuchSecretError) throw new TaskRefusedError(errorText(error), { cause: error });
      throw error;
    }
  }

  async #inspect(image: string): Promise<ImageDetails | undefined> {
    try {
      return await this.#site.call((engine, call) => engine.images.inspect(image, call));
    } catch (error) {
      if (error instanceof NoSuchImageError) return undefined;
      throw error;
    }
  }
}

function parsed(image: string): ImageReference {
  try {
    return parseReference(image, "image");
  } catch (error) {
    if (error instanceof InvalidOptionError) throw new TaskRefusedError(`image ${image}: ${error.message}`, { cause: error });
    throw error;
  }
}

/** An image that was built, imported or loaded on the node has no digest of a registry, and none that could be newer. */
const mayBeOld = ({ tag }: ImageReference, { RepoDigests }: ImageDetails): boolean =>
  tag === "latest" && (RepoDigests ?? []).length > 0;

/** The registry, or the engine about it, has said no, or nothing more for too long. An engine that says nothing at all refuses nothing. */
const isFinal = (error: unknown, hasAnswered: boolean): boolean =>
  error instanceof TransferFailedError || error instanceof EngineError || (error instanceof EngineTimeoutError && hasAnswered);
