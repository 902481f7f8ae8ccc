/**
 * Attempts: makes a container so that a crash between any two steps leaves no container without an object and no object without a container,
 * once a round of the node's agent is over. The object with its attempt is committed first; the attempt's id is the engine-side name, so
 * the engine itself refuses a second one; what the engine made is committed only if the attempt is current still.
 */
import { type Clock, timestamp } from "../../base/clock.ts";
import type { Ids } from "../../base/ids.ts";
import type { Json } from "../../base/json.ts";
import type { Logger } from "../../base/logger.ts";
import type { Container, ContainerObjectStatus, ContainerReservations } from "../../kinds/container.ts";
import type { Node } from "../../kinds/node.ts";
import type { Store } from "../../state/store.ts";
import type { Transaction } from "../../state/transaction.ts";
import type { Call } from "../engine/call.ts";
import type { ContainerCreate } from "../engine/containers.ts";
import type { Engine } from "../engine.ts";
import { EngineError, EngineUnreachableError, type NameTakenError } from "../engine-errors.ts";
import { NoSuchNodeError } from "../nodes/errors.ts";
import { beginAttempt, completeAttempt, dropAttempt, type Made, type NewAttempt, type Place } from "./attempt.ts";
import { AttemptOverError, isDeleted } from "./errors.ts";
import { generatedNames } from "./generated-names.ts";
import { attemptOf, newAttemptId, ownLabels } from "./labels.ts";
import { withAlias } from "./own-networks.ts";
import { statusOf } from "./seen.ts";

/** What of NodeEngines is needed here. */
export interface EnginesOfNodes {
  of(node: Node): Promise<Engine>;
}

export type AttemptsOptions = {
  readonly store: Store;
  readonly engines: EnginesOfNodes;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly logger: Logger;
};

export type CreateContainer = {
  /** Of the Container object. Absent: `default`, and `c-` with 20 hexadecimal digits. */
  readonly namespace?: string;
  readonly name?: string;
  readonly spec: {
    readonly nodeName: string;
    readonly origin: "user" | "task";
    readonly taskName?: string;
    readonly taskUid?: string;
    /** Absent: one is made up. */
    readonly containerName?: string;
    readonly image: string;
    readonly reservations?: ContainerReservations;
  };
  readonly body: ContainerCreate;
  readonly platform?: string;
  /** Throws where it may not be made after all: judged in the transaction that commits the attempt, so it may run several times. */
  readonly check?: (transaction: Transaction) => void;
  /** Of the entries. */
  readonly actor: string;
  /** The engine's call takes no longer; when it is over, an attempt that the engine does not show has failed. */
  readonly deadlineMs: number;
};

/** `warnings`: what the engine said of the body, as `docker create` shows it. */
export type CreatedContainer = { readonly container: Container; readonly warnings: readonly string[] };

/** Between the engine's last moment to answer and the deadline: its answer must still be committed. */
const commitMs = 5_000;
const objectDigits = 20;

/** Of the Container of what people make. */
export const newObjectName = (ids: Ids): string => `c-${ids.uuid().replaceAll("-", "").slice(0, objectDigits)}`;

/** Of an engine that says more, the first. */
const warningsMax = 100;
const warningCharactersMax = 1_024;

export class Attempts {
  readonly #options: AttemptsOptions;

  constructor(options: AttemptsOptions) {
    this.#options = options;
  }

  /**
   * The object of a container that is made and not started.
   * @throws NameInUseError, NoSuchNodeError, what `check` throws, what the engine refuses with: nothing is left. Else it is unclear whether there is a container
   * (an EngineTimeoutError, a signal): the node's next round makes object and engine agree. To repeat it makes another container.
   */
  async create(request: CreateContainer, signal?: AbortSignal): Promise<CreatedContainer> {
    const { store } = this.#options;
    const { value: node } = await store.view(({ nodes }) => nodes.get(request.spec.nodeName));
    if (node === undefined) throw new NoSuchNodeError(request.spec.nodeName);
    const engine = await this.#options.engines.of(node);
    const attempt = this.#attempt(request, node);
    const begin = (transaction: Transaction): Container => {
      request.check?.(transaction);
      return beginAttempt(transaction, attempt);
    };
    const { value: begun } = await store.update(begin, request);
    const named = { ...request, body: withAlias(request.body, begun.spec.containerName ?? attempt.id) };
    const { warnings, ...made } = await this.#make(engine, attempt, named, signal);
    const container = await this.#complete({ ...attempt, made }, request).catch(async (error: unknown) => {
      // Nobody looks after what a deleted cluster makes.
      if (isDeleted(error)) await this.#discard(engine, made);
      throw error;
    });
    if (container !== undefined) return { container, warnings };
    await this.#discard(engine, made);
    throw new AttemptOverError(attempt.id);
  }

  #attempt({ namespace = "default", name, spec, deadlineMs }: CreateContainer, node: Node): NewAttempt {
    const { clock, ids } = this.#options;
    const { containerName, ...rest } = spec;
    return {
      place: { namespace, name: name ?? newObjectName(ids) },
      id: newAttemptId(ids),
      deadline: timestamp(clock.now() + deadlineMs + commitMs),
      nodeUid: node.metadata.uid,
      spec: rest,
      names: containerName === undefined ? generatedNames(ids) : [containerName],
    };
  }

  async #make(
    engine: Engine,
    { place, id }: NewAttempt,
    { spec, body, platform, deadlineMs, actor }: CreateContainer,
    signal: AbortSignal | undefined,
  ): Promise<Made & Pick<CreatedContainer, "warnings">> {
    const { taskName, taskUid } = spec;
    const task = taskName !== undefined && { uid: taskUid ?? "", namespace: place.namespace, name: taskName };
    const labels = ownLabels({ clusterUid: this.#options.store.uid, attempt: id, container: place, ...(task && { task }) });
    const options = {
      name: id,
      body: { ...body, Labels: { ...body.Labels, ...labels } },
      ...(platform !== undefined && { platform }),
    };
    try {
      const { Id, Warnings } = await engine.containers.create(options, { timeoutMs: deadlineMs, ...(signal && { signal }) });
      const seen = await this.#seen(engine, Id);
      return { containerId: Id, engineName: id, ...(seen && { seen }), warnings: warningsOf(Warnings) };
    } catch (error) {
      if (isCertain(error)) await this.#drop({ place, id }, actor);
      throw error;
    }
  }

  /** So that who lists by labels or networks next finds it. undefined: the node's agent looks at it soon. */
  async #seen(engine: Engine, id: string): Promise<ContainerObjectStatus | undefined> {
    const { store, logger } = this.#options;
    try {
      const details = await engine.containers.inspect(id, {}, { timeoutMs: commitMs / 2 });
      return details.Id === id ? statusOf(details) : undefined;
    } catch (error) {
      logger.log("info", "a new container could not be looked at", { cluster: store.uid, containerId: id, error });
      return undefined;
    }
  }

  async #complete(attempt: NewAttempt & { readonly made: Made }, { actor }: CreateContainer): Promise<Container | undefined> {
    const { value } = await this.#options.store.update((transaction) => completeAttempt(transaction, attempt), { actor });
    return value;
  }

  /** What fails here the next round does. */
  async #drop(attempt: { readonly place: Place; readonly id: string }, actor: string): Promise<void> {
    const { store, logger } = this.#options;
    try {
      await store.update((transaction) => dropAttempt(transaction, attempt), { actor });
    } catch (error) {
      logger.log("warn", "a failed attempt's object stays until the next round", {
        cluster: store.uid,
        attempt: attempt.id,
        error,
      });
    }
  }

  /** What fails here the next round does, or the deleted cluster's clearance. */
  async #discard(engine: Engine, { containerId }: Made): Promise<void> {
    const { store, logger } = this.#options;
    try {
      await engine.containers.remove(containerId, { force: true, volumes: true });
    } catch (error) {
      logger.log("warn", "a stale attempt's container stays until the next round", { cluster: store.uid, containerId, error });
    }
  }
}

/** Engines say null for none. */
function warningsOf(given: Json | undefined): readonly string[] {
  const texts = Array.isArray(given) ? given.filter((one) => typeof one === "string") : [];
  return texts.slice(0, warningsMax).map((text) => text.slice(0, warningCharactersMax));
}

/** The engine certainly made nothing. */
export const isCertain = (error: unknown): boolean =>
  (error instanceof EngineError || error instanceof EngineUnreachableError) && !error.mayHaveHappened;

/** The container that an earlier try of the attempt has made; undefined: somebody else has its name. @throws what the engine does. */
export async function madeBefore(
  engine: Engine,
  { error, id, uids }: { readonly error: NameTakenError; readonly id: string; readonly uids: ReadonlySet<string> },
  call: Call,
): Promise<Made | undefined> {
  const { Id, Name, Config } = await engine.containers.inspect(error.holder ?? id, {}, call);
  const attempt = attemptOf({ labels: Config.Labels ?? {}, engineName: Name }, uids);
  return attempt === id ? { containerId: Id, engineName: id } : undefined;
}
