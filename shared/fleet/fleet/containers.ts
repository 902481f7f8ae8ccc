/**
 * The containers of a fleet, by their engine's id, a beginning of it, their name, or `node/name`. Each verb finds the node and asks its
 * engine; what that says comes back as a NodeError with the node's name. Objects follow the engines by the agents, not by these calls,
 * but for what only the store knows: names, and that a container was removed. container-streams.ts has the verbs that carry bytes.
 */
import type { JsonObject } from "../../base/json.ts";
import type { Container } from "../../kinds/container.ts";
import type { Node } from "../../kinds/node.ts";
import type { Call } from "../engine/call.ts";
import type { CommitOptions, ContainerDetails, ContainerSummary, ListOptions } from "../engine/containers.ts";
import type { Processes, StopOptions, WaitCondition, WaitResult } from "../engine/runs.ts";
import type { CreateContainerOptions, Created } from "./container-options.ts";
import { ContainerStreams, slowMs } from "./container-streams.ts";
import { createContainer } from "./create-container.ts";
import { isNetworkError, NodeError } from "./errors.ts";
import { onAllNodes } from "./fan-out.ts";
import type { Footing, Tools } from "./ground.ts";
import { ImageLedger } from "./image-ledger.ts";
import { parseReference } from "./image-reference.ts";
import { findContainer } from "./lookup.ts";
import { renameContainer } from "./names.ts";
import { type RemoveOptions, removeContainer } from "./remove-container.ts";
import type { Scheduler } from "./scheduler.ts";
import { reserveUpdated } from "./update-container.ts";

export type ContainerRow = { readonly node: Node; readonly row: ContainerSummary };

export class Containers extends ContainerStreams {
  readonly #tools: Tools;
  readonly #scheduler: Scheduler;

  constructor(footing: Footing, tools: Tools, scheduler: Scheduler) {
    super(footing);
    this.#tools = tools;
    this.#scheduler = scheduler;
  }

  /** Made, not started. @throws NoNodesError, TriesExceededError, NodeError, NameInUseError, InvalidOptionError */
  create(options: CreateContainerOptions): Promise<Created> {
    return createContainer({ ground: this.footing.ground, tools: this.#tools, scheduler: this.#scheduler }, options);
  }

  /** Every container that is known, as the store has it. */
  async all(): Promise<readonly Container[]> {
    return (await this.footing.ground.store.view(({ containers }) => containers.find())).value;
  }

  /**
   * As the engines of all enabled nodes show them now, of each the newest first; `errors`: the nodes that did not. `unfiltered`: of
   * disabled ones too.
   */
  async list(
    { unfiltered = false, ...options }: ListOptions & { readonly unfiltered?: boolean } = {},
    call: Call = {},
  ): Promise<{ readonly rows: readonly ContainerRow[]; readonly errors: readonly NodeError[] }> {
    const { engines, nodes } = this.footing.ground;
    const asked = { command: "list", nodes: await (unfiltered ? nodes.unfilteredNodes() : nodes.nodes()), engines, ...call };
    const { values, errors } = await onAllNodes({ ...asked, call: (engine, each) => engine.containers.list(options, each) });
    return { rows: values.flatMap(({ node, value }) => value.map((row) => ({ node, row }))), errors };
  }

  inspect(reference: string, options: { readonly size?: boolean } = {}, call?: Call): Promise<ContainerDetails> {
    return this.on(reference, "inspect", ({ engine, engineId }) => engine.containers.inspect(engineId, options, call));
  }

  /** A node that can't be reached is reported, uncounted; a command that can't be run is the container's own fault. */
  async start(reference: string, call?: Call): Promise<void> {
    const { ground } = this.footing;
    const found = await findContainer(ground, reference);
    try {
      await this.ask(found, "start", ({ engine, engineId }) => engine.runs.start(engineId, call));
    } catch (error) {
      const isNodes = error instanceof NodeError && isNetworkError(error.cause);
      if (isNodes) await ground.healer.failed(found.node, error.cause, { counts: false });
      throw error;
    }
  }

  stop(reference: string, options: StopOptions = {}, call?: Call): Promise<void> {
    return this.on(reference, "stop", ({ engine, engineId }) => engine.runs.stop(engineId, options, call));
  }

  restart(reference: string, options: StopOptions = {}, call?: Call): Promise<void> {
    return this.on(reference, "restart", ({ engine, engineId }) => engine.runs.restart(engineId, options, call));
  }

  /** Absent: SIGKILL. */
  kill(reference: string, signal?: string, call?: Call): Promise<void> {
    return this.on(reference, "kill", ({ engine, engineId }) => engine.runs.kill(engineId, signal, call));
  }

  pause(reference: string, call?: Call): Promise<void> {
    return this.on(reference, "pause", ({ engine, engineId }) => engine.runs.pause(engineId, call));
  }

  unpause(reference: string, call?: Call): Promise<void> {
    return this.on(reference, "unpause", ({ engine, engineId }) => engine.runs.unpause(engineId, call));
  }

  /** As long as it takes: the call's signal ends it. */
  wait(reference: string, condition?: WaitCondition, call?: Call): Promise<WaitResult> {
    return this.on(reference, "wait", ({ engine, engineId }) => engine.runs.wait(engineId, condition, call));
  }

  top(reference: string, psArgs?: string, call?: Call): Promise<Processes> {
    return this.on(reference, "top", ({ engine, engineId }) => engine.runs.top(engineId, psArgs, call));
  }

  changes(reference: string, call?: Call): Promise<readonly { readonly Path: string; readonly Kind: number }[]> {
    return this.on(reference, "changes", ({ engine, engineId }) => engine.containers.changes(engineId, call));
  }

  /** Makes an image on the container's node, and an Image where `repo` is given. */
  commit(reference: string, options: CommitOptions = {}, call?: Call): Promise<{ readonly Id: string }> {
    const { store } = this.footing.ground;
    const { repo, tag } = options;
    const image = repo === undefined || repo === "" ? undefined : parseReference(tag ? `${repo}:${tag}` : repo, "repo");
    return this.on(reference, "commit", async ({ engine, engineId, node }) => {
      const made = await engine.containers.commit(engineId, options, { timeoutMs: slowMs, ...call });
      const seen = [{ nodeName: node.metadata.name, imageId: made.Id }];
      if (image !== undefined) await new ImageLedger(store).note(image, { seen });
      return made;
    });
  }

  /** What people call it: the store's to keep. One that Windlass did not make is renamed on its engine. @throws NameInUseError */
  async rename(reference: string, name: string, call?: Call): Promise<void> {
    const { store } = this.footing.ground;
    await this.on(reference, "rename", async ({ engine, engineId, container }) => {
      if (container.spec.origin === "foreign") await engine.containers.rename(engineId, name, call);
      else await renameContainer(store, container, name);
    });
  }

  /** Limits and restart policy, as Docker's update; what it takes of its node follows. To repeat it is safe. */
  async update(reference: string, body: JsonObject, call?: Call): Promise<JsonObject> {
    const { store } = this.footing.ground;
    return await this.on(reference, "update", async ({ engine, engineId, container }) => {
      const answer = await engine.containers.update(engineId, body, call);
      await reserveUpdated(store, container, body);
      return answer;
    });
  }

  /**
   * From its node, and then its object. A node that has it no more, or that was taken away, is no error; one that can't be reached is,
   * but by force: then the container goes when its node is back. Any other error keeps the object.
   */
  remove(reference: string, options: RemoveOptions = {}, call: Call = {}): Promise<void> {
    return removeContainer(this.footing.ground, reference, options, call);
  }
}
