/**
 * Execs: commands run in containers beside their own. Which container an exec is of stands in a cell, so that whichever process is asked
 * next finds it; a cell ends with a day or with its container, and an exec that outlives its cell is looked for on the nodes. Cells are
 * few: each new one takes those with it that are over, of the 256th part of all that begins as its id does.
 */
import type { JsonObject } from "../../base/json.ts";
import type { Container } from "../../kinds/container.ts";
import type { Node } from "../../kinds/node.ts";
import type { Call } from "../engine/call.ts";
import type { ExecCreate, ExecDetails } from "../engine/execs.ts";
import type { TerminalSize } from "../engine/streams.ts";
import type { Engine } from "../engine.ts";
import { NoSuchContainerError } from "../engine-errors.ts";
import { Attachment, type AttachStreams } from "./attachment.ts";
import { InvalidOptionError, noSuchExec, wrapped } from "./errors.ts";
import { onFirstNode } from "./fan-out.ts";
import type { Footing, Ground, Tools } from "./ground.ts";
import { findContainer } from "./lookup.ts";

export type FoundExec = {
  readonly container: Container;
  readonly node: Node;
  readonly engine: Engine;
  /** Whether it was made with a terminal; undefined: only its engine knows. */
  readonly isTty: boolean | undefined;
};

/** An engine forgets an exec minutes after its end; one that runs for longer is found by asking the nodes. */
const keptMs = 24 * 3_600_000;
/** Cells in such a part: 16,384 in all. One more, and the one that ends soonest goes. */
const partMax = 64;
const partDigits = 2;
/** Docker sets no bound; Linux takes two megabytes of arguments. */
const argumentsMax = 10_000;
const id = /^[0-9a-f]{64}$/;
const keyOf = (execId: string): string => `exec/${execId}`;

/** What a cell holds: no command and no environment, for they may hold secrets. */
type Kept = { readonly containerId: string; readonly isTty: boolean };

export class Execs {
  readonly #footing: Footing;
  readonly #tools: Tools;

  constructor(footing: Footing, tools: Tools) {
    this.#footing = footing;
    this.#tools = tools;
  }

  /** @throws NoSuchContainerError, NodeError */
  async create(container: string, body: ExecCreate, call?: Call): Promise<{ readonly Id: string }> {
    if (body.Cmd.length === 0 || body.Cmd.length > argumentsMax)
      throw new InvalidOptionError("Cmd", `has ${body.Cmd.length} words; 1 to ${argumentsMax}`);
    const { ground } = this.#footing;
    const { engine, engineId, node } = await findContainer(ground, container);
    const made = await asking(node, "create exec", () => engine.execs.create(engineId, body, call));
    await this.remember(made.Id, { containerId: engineId, isTty: body.Tty === true });
    return made;
  }

  /** That an exec was made by other means: through the engine itself. `containerId`: the engine's id of its container. */
  async remember(execId: string, { containerId, isTty }: Kept): Promise<void> {
    const { cells, store } = this.#footing.ground;
    const value: JsonObject = { containerId, isTty };
    await cells.put(store.uid, { key: keyOf(execId), value, expires: this.#tools.clock.now() + keptMs, when: "absent" });
    await this.#tidy(execId);
  }

  /** @throws NoSuchExecError: also when its container is gone; NodeError */
  async find(execId: string): Promise<FoundExec> {
    if (!id.test(execId)) throw noSuchExec(execId.slice(0, 100));
    const { ground } = this.#footing;
    const { cells, store } = ground;
    const cell = await cells.get(store.uid, keyOf(execId));
    if (cell === undefined) return await this.#search(ground, execId);
    const { containerId, isTty } = cell.value as unknown as Kept;
    try {
      return { ...(await findContainer(ground, containerId)), isTty };
    } catch (error) {
      if (!(error instanceof NoSuchContainerError)) throw error;
      // It went with its container.
      await cells.delete(store.uid, cell.key, cell.version);
      throw noSuchExec(execId);
    }
  }

  /** Runs it, until it ends; its output goes to the streams as it comes. @throws NoSuchExecError, NodeError, ListenerLeftError */
  async start(execId: string, streams: AttachStreams = {}, call?: Call): Promise<void> {
    await using attachment = await this.startNonBlocking(execId, streams, call);
    await attachment.wait();
  }

  /** As start; returns when it runs: whoever asked waits, or closes. */
  async startNonBlocking(execId: string, streams: AttachStreams = {}, call?: Call): Promise<Attachment> {
    const { node, engine, isTty } = await this.find(execId);
    return await asking(node, "start exec", async () => {
      const tty = isTty ?? (await ttyOf(engine, execId, call));
      const stream = await engine.execs.start(execId, { tty }, call);
      return new Attachment(stream, {
        ...streams,
        isTty: tty,
        wrap: (error) => wrapped(node.metadata.name, "start exec", error),
      });
    });
  }

  /** Runs it, and nobody listens. */
  async startDetached(execId: string, call?: Call): Promise<void> {
    const { node, engine } = await this.find(execId);
    await asking(node, "start exec", () => engine.execs.startDetached(execId, call));
  }

  async inspect(execId: string, call?: Call): Promise<ExecDetails> {
    const { node, engine } = await this.find(execId);
    return await asking(node, "inspect exec", () => engine.execs.inspect(execId, call));
  }

  async resize(execId: string, size: TerminalSize, call?: Call): Promise<void> {
    const { node, engine } = await this.find(execId);
    await asking(node, "resize exec", () => engine.execs.resize(execId, size, call));
  }

  async #tidy(execId: string): Promise<void> {
    const { cells, store } = this.#footing.ground;
    const now = this.#tools.clock.now();
    const all = await cells.list(store.uid, keyOf(execId.slice(0, partDigits)), partMax + 1);
    const first = all.toSorted((one, other) => (one.expires ?? 0) - (other.expires ?? 0));
    const over = first.filter(({ expires = 0 }, place) => expires <= now || place < all.length - partMax);
    await Promise.all(over.map(({ key, version }) => cells.delete(store.uid, key, version)));
  }

  /** One that no cell tells of: its cell is over, or it was made by others. */
  async #search(ground: Ground, execId: string): Promise<FoundExec> {
    const call = (engine: Engine, each: Call) => engine.execs.inspect(execId, each);
    const nodes = await ground.nodes.unfilteredNodes();
    const found = await onFirstNode({ command: "inspect exec", nodes, engines: ground.engines, call });
    if (found === undefined) throw noSuchExec(execId);
    const { container, node, engine } = await findContainer(ground, found.value.ContainerID).catch((error: unknown) => {
      throw error instanceof NoSuchContainerError ? noSuchExec(execId) : error;
    });
    return { container, node, engine, isTty: undefined };
  }
}

async function ttyOf(engine: Engine, execId: string, call?: Call): Promise<boolean> {
  const { ["ProcessConfig"]: config } = await engine.execs.inspect(execId, call);
  return (config as { readonly tty?: boolean } | undefined)?.tty === true;
}

async function asking<T>(node: Node, command: string, act: () => Promise<T>): Promise<T> {
  try {
    return await act();
  } catch (error) {
    throw wrapped(node.metadata.name, command, error);
  }
}
