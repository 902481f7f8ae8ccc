/** What a simulated engine has: containers, images, execs, networks, volumes, and the events it tells. */
import type { Clock } from "../../base/clock.ts";
import type { ContainerCreate } from "../engine/containers.ts";
import type { EngineNetwork, EngineVolume } from "../engine/networks.ts";
import type { EngineEvent } from "../engine.ts";
import {
  EngineError,
  NameTakenError,
  NoSuchContainerError,
  NoSuchExecError,
  NoSuchImageError,
  NoSuchNetworkError,
} from "../engine-errors.ts";
import { SimulatedContainer } from "./container.ts";
import type { SimulatedFile } from "./file-system.ts";
import type { Process } from "./process.ts";

export type SimulatedImage = {
  readonly id: string;
  readonly tags: Set<string>;
  readonly digests: Set<string>;
  readonly createdMs: number;
  readonly size: number;
  readonly command: readonly string[];
  readonly labels: Readonly<Record<string, string>>;
  readonly files: ReadonlyMap<string, SimulatedFile>;
  /** The newest first. */
  readonly history: readonly string[];
};

export type SimulatedExec = {
  readonly id: string;
  readonly container: SimulatedContainer;
  readonly process: Process;
  state: "created" | "running" | "ended";
  exitCode: number | null;
};

export type WorldOptions = {
  readonly clock: Clock;
  /** Hexadecimal digits: so many, never the same twice. */
  readonly newId: (length: number) => string;
};

/** Events that are kept for those who ask since when; engines keep 256. */
const eventsMax = 256;
/** Those that are always there. */
const builtinNetworks = /^(default|bridge|host|none|container:.*)$/;
const nameRule = /^\/?[a-zA-Z0-9][a-zA-Z0-9_.-]+$/;

export class World {
  readonly clock: Clock;
  readonly newId: (length: number) => string;
  readonly containers = new Map<string, SimulatedContainer>();
  readonly images = new Map<string, SimulatedImage>();
  readonly execs = new Map<string, SimulatedExec>();
  readonly networks = new Map<string, { readonly network: EngineNetwork; readonly members: Set<string> }>();
  readonly volumes = new Map<string, EngineVolume>();
  readonly events: EngineEvent[] = [];
  readonly listeners = new Set<(event: EngineEvent) => void>();

  constructor({ clock, newId }: WorldOptions) {
    this.clock = clock;
    this.newId = newId;
  }

  /** By id, by a beginning of it, or by name. @throws NoSuchContainerError */
  container(id: string): SimulatedContainer {
    if (id === "" || id.includes("/") || id === "..") throw new EngineError(400, `invalid id or name: ${id}`);
    const found =
      this.containers.get(id) ?? [...this.containers.values()].find((one) => one.name === id || one.id.startsWith(id));
    if (found === undefined) throw new NoSuchContainerError(404, `No such container: ${id}`);
    return found;
  }

  create(givenName: string | undefined, body: ContainerCreate): SimulatedContainer {
    const id = this.newId(64);
    const name = givenName?.replace(/^\//, "") ?? `simulated_${id.slice(0, 12)}`;
    if (!nameRule.test(name))
      throw new EngineError(400, `Invalid container name (${name}), only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed`);
    const image = this.image(body.Image);
    this.refuseName(name);
    const tell = (action: string, attributes: Readonly<Record<string, string>> = {}) => {
      if (action === "die") this.#leave(id);
      this.tell("container", action, id, { ...container.labels, image: body.Image, name: container.name, ...attributes });
    };
    const container: SimulatedContainer = new SimulatedContainer({ id, name, body, image, clock: this.clock, tell });
    this.containers.set(id, container);
    tell("create");
    return container;
  }

  /** @throws NameTakenError */
  refuseName(name: string): void {
    const holder = [...this.containers.values()].find((one) => one.name === name)?.id;
    if (holder === undefined) return;
    const message = `Conflict. The container name "/${name}" is already in use by container "${holder}".`;
    throw new NameTakenError(`${message} You have to remove (or rename) that container to be able to reuse that name.`, holder);
  }

  /** Before it starts: the network that it was made for holds it for as long as it runs. @throws NoSuchNetworkError */
  enter({ id, hostConfig }: SimulatedContainer): void {
    const mode = String(hostConfig["NetworkMode"] ?? "default");
    if (builtinNetworks.test(mode)) return;
    const found = [...this.networks.values()].find(({ network }) => network.Name === mode || network.Id === mode);
    if (found === undefined) throw new NoSuchNetworkError(404, `network ${mode} not found`);
    found.members.add(id);
  }

  #leave(id: string): void {
    for (const { members } of this.networks.values()) members.delete(id);
  }

  remove(container: SimulatedContainer): void {
    this.containers.delete(container.id);
    container.removed();
    this.#leave(container.id);
    for (const exec of this.execs.values()) if (exec.container === container) this.execs.delete(exec.id);
    this.tell("container", "destroy", container.id, { ...container.labels, name: container.name });
  }

  /** By reference, id or a beginning of it. @throws NoSuchImageError */
  image(reference: string): SimulatedImage {
    const found = this.findImage(reference);
    if (found === undefined) throw new NoSuchImageError(404, `No such image: ${withTag(reference)}`);
    return found;
  }

  findImage(reference: string): SimulatedImage | undefined {
    const bare = reference.replace(/^sha256:/, "");
    const tag = withTag(reference);
    return [...this.images.values()].find(
      ({ id, tags, digests }) =>
        tags.has(tag) || digests.has(reference) || (/^[0-9a-f]{12,64}$/.test(bare) && id.startsWith(`sha256:${bare}`)),
    );
  }

  /** Of several images with one tag the last has it. */
  addImage(image: SimulatedImage): void {
    for (const other of this.images.values()) {
      if (other.id === image.id) for (const tag of other.tags) image.tags.add(tag);
      else for (const tag of image.tags) other.tags.delete(tag);
    }
    this.images.set(image.id, image);
  }

  /** @throws NoSuchExecError */
  exec(id: string): SimulatedExec {
    if (id === "" || id.includes("/") || id === "..") throw new EngineError(400, `invalid id or name: ${id}`);
    const found = this.execs.get(id);
    if (found === undefined) throw new NoSuchExecError(404, `No such exec instance: ${id}`);
    return found;
  }

  tell(Type: string, Action: string, ID: string, Attributes: Readonly<Record<string, string>>): void {
    const nowMs = this.clock.now();
    const event = { Type, Action, Actor: { ID, Attributes }, time: Math.floor(nowMs / 1_000), timeNano: nowMs * 1e6 };
    this.events.push(event);
    if (this.events.length > eventsMax) this.events.shift();
    for (const listener of this.listeners) listener(event);
  }

  /** Everything that ran has ended, and nothing is left: a new disk. */
  clear(): void {
    for (const container of this.containers.values()) container.removed();
    for (const table of [this.containers, this.images, this.execs, this.networks, this.volumes]) table.clear();
    this.events.length = 0;
  }
}

/** `busybox` is `busybox:latest`. */
export const withTag = (reference: string): string =>
  reference.includes("@") || reference.lastIndexOf(":") > reference.lastIndexOf("/") ? reference : `${reference}:latest`;
