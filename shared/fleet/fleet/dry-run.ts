/**
 * A dry run's ground: a copy of the store in memory, and for each node an engine in memory with the containers and images that the store
 * knows there. Real engines are not asked for anything, so it begins at once also where they are down. What runs in it is a sleep of
 * a day, whatever its command; every image can be pulled.
 */
import assert from "node:assert/strict";
import type { Container } from "../../kinds/container.ts";
import type { Image } from "../../kinds/image.ts";
import type { Node } from "../../kinds/node.ts";
import type { Cells } from "../../log/ports.ts";
import type { Store } from "../../state/store.ts";
import { Attempts } from "../containers/attempts.ts";
import type { ContainerCreate } from "../engine/containers.ts";
import type { Engine } from "../engine.ts";
import { NodeEngines } from "../nodes/engines.ts";
import { NodeHealer } from "../nodes/healer.ts";
import { Nodes } from "../nodes/nodes.ts";
import { NoSuchSecretError } from "../secrets/resolver.ts";
import { SimulatedContainer } from "../simulated/container.ts";
import { SimulatedEngine } from "../simulated/engine.ts";
import { make } from "../simulated/transfers.ts";
import { type World, withTag } from "../simulated/world.ts";
import { fleetActor, type Ground, type Tools } from "./ground.ts";
import { engineIdOf } from "./lookup.ts";

/** An empty store in memory, and how it is given back. */
export type Scratch = { readonly store: Store; readonly cells: Cells; close(): Promise<void> };

export type DryRun = { readonly ground: Ground; close(): Promise<void> };

export async function openDryRun(real: Ground, tools: Tools, scratch: Scratch): Promise<DryRun> {
  const { store, cells } = scratch;
  const { clock, ids, logger, hooks } = tools;
  // Labels and tokens name a cluster by its uid: under another one, its own containers would be foreign.
  assert.equal(store.uid, real.store.uid);
  await store.restore(await real.store.save(), { actor: fleetActor });
  const machines = new Machines(tools);
  const { value } = await store.view(
    ({ nodes, containers, images }) => [nodes.find(), containers.find(), images.find()] as const,
  );
  machines.furnish(...value);
  const secrets = { resolve: async (name: string) => Promise.reject(new NoSuchSecretError(name)) };
  const engines = new NodeEngines({ open: async ({ address }) => machines.at(address), secrets, clock });
  const healer = new NodeHealer({ store, cells, engines, clock, ids, logger });
  const nodes = new Nodes({ store, cells, clock, ids, hooks });
  const attempts = new Attempts({ store, engines, clock, ids, logger });
  const close = async (): Promise<void> => {
    machines.end();
    await engines[Symbol.asyncDispose]();
    await scratch.close();
  };
  return { ground: { store, cells, engines, nodes, healer, attempts }, close };
}

/** Ends when it is asked to. */
const command = ["sh", "-c", "trap 'exit 0' TERM; sleep 86400"];

/** The engines by address; a node that is registered in the dry run gets an empty one. */
class Machines {
  readonly #tools: Tools;
  readonly #byAddress = new Map<string, SimulatedEngine>();

  constructor(tools: Tools) {
    this.#tools = tools;
  }

  at(address: string): Engine {
    return dry(this.#machine(address));
  }

  furnish(nodes: readonly Node[], containers: readonly Container[], images: readonly Image[]): void {
    const byName = new Map(nodes.map((node) => [node.metadata.name, this.#machine(node.spec.address, node)]));
    for (const { spec, status } of images) {
      for (const { imageId, nodeNames } of status?.history ?? [])
        for (const name of nodeNames) putImage(byName.get(name)?.world, { id: imageId, reference: spec.reference });
    }
    for (const container of containers) putContainer(byName.get(container.spec.nodeName)?.world, container);
  }

  /** Nothing runs any more, and nothing waits. */
  end(): void {
    for (const machine of this.#byAddress.values()) machine.world.clear();
    this.#byAddress.clear();
  }

  #machine(address: string, node?: Node): SimulatedEngine {
    const there = this.#byAddress.get(address);
    if (there !== undefined) return there;
    const { clock, ids } = this.#tools;
    const { id, resources, labels = {}, hostname } = node?.status?.engine ?? {};
    const machine = new SimulatedEngine({
      address,
      clock,
      random: () => ids.random(),
      ...(resources?.cpus !== undefined && { cpus: resources.cpus }),
      ...(resources?.memory !== undefined && { memoryBytes: resources.memory }),
      ...(hostname !== undefined && { name: hostname }),
      labels: Object.entries(labels).map(([key, value]) => `${key}=${value}`),
    });
    machine.world.images.clear();
    // The healer takes an engine with another id for one that lost its data.
    if (id !== undefined) machine.faults.lie = (call, answer) => (call === "info" ? { ...(answer as object), ID: id } : answer);
    this.#byAddress.set(address, machine);
    return machine;
  }
}

function putImage(world: World | undefined, { id, reference }: { readonly id: string; readonly reference: string }): void {
  if (world === undefined) return;
  const at = reference.indexOf("@");
  const [tags, digests] = at < 0 ? [[withTag(reference)], []] : [[], [reference]];
  const made = make(world, { tags, files: new Map(), history: [reference], command });
  world.images.delete(made.id);
  world.addImage({ ...made, id, digests: new Set(digests) });
}

function putContainer(world: World | undefined, container: Container): void {
  const { spec, status } = container;
  if (world === undefined || status?.state === "lost") return;
  const imageId = status?.imageId ?? world.findImage(spec.image)?.id ?? `sha256:${world.newId(64)}`;
  if (!world.images.has(imageId))
    putImage(world, { id: imageId, reference: /^[^@\s]+$/.test(spec.image) ? spec.image : imageId });
  const { labels = {}, containerId = world.newId(64), state, exitCode = 0 } = status ?? {};
  const name = status?.engineName?.replace(/^\//, "") ?? engineIdOf(container);
  const hasEnded = state === "exited" || state === "dead";
  const body: ContainerCreate = { Image: spec.image, Labels: labels, Cmd: hasEnded ? ["sh", "-c", `exit ${exitCode}`] : command };
  const tell = (action: string, attributes: Readonly<Record<string, string>> = {}) =>
    world.tell("container", action, containerId, { ...labels, image: spec.image, name, ...attributes });
  const image = { id: imageId, files: new Map(), command };
  const made = new SimulatedContainer({ id: containerId, name, body, image, clock: world.clock, tell });
  world.containers.set(containerId, made);
  if (hasEnded || state === "running" || state === "restarting" || state === "paused") made.start();
  if (state === "paused") made.pause(true);
}

/** The engine, with pulls of whatever is asked for, and containers that run whatever they are to. */
function dry(machine: SimulatedEngine): Engine {
  const engine = machine.open();
  const { world } = machine;
  return {
    ...engine,
    containers: {
      ...engine.containers,
      create: (options, call) => {
        const { Entrypoint: _, ...body } = options.body;
        return engine.containers.create({ ...options, body: { ...body, Image: options.body.Image, Cmd: command } }, call);
      },
    },
    transfers: {
      ...engine.transfers,
      pull: async ({ reference }, call) => {
        if (world.findImage(reference) === undefined) putImage(world, { id: `sha256:${world.newId(64)}`, reference });
        const found = world.image(reference);
        const status = `Digest: sha256:${[...found.id.slice("sha256:".length)].reverse().join("")}`;
        return rowsOf([{ status: `Pulling from ${reference}` }, { status }], call?.signal);
      },
      push: async ({ reference }, call) => {
        const { id } = world.image(reference);
        const digest = `sha256:${[...id.slice("sha256:".length)].reverse().join("")}`;
        return rowsOf([{ status: `${reference}: digest: ${digest} size: 1` }], call?.signal);
      },
    },
  };
}

function rowsOf(all: readonly { readonly status: string }[], signal: AbortSignal | undefined) {
  signal?.throwIfAborted();
  return {
    async *[Symbol.asyncIterator]() {
      yield* all;
    },
    close: () => undefined,
  };
}
