/**
 * A Docker engine in memory, for tests of many and for faults that real ones can't be made to have. It passes the same conformance suite
 * as real ones; its programs are few (program.ts), and builds and networks do nothing but what is seen from outside.
 */
import { type Clock, waitUntil } from "../../base/clock.ts";
import type { Engine, EngineEvent, EngineInfo, EngineSystem } from "../engine.ts";
import { simulatedContainers, simulatedRuns } from "./containers.ts";
import { Faults } from "./faults.ts";
import { matchesEvent } from "./filters.ts";
import { simulatedImages } from "./images.ts";
import { simulatedNetworks, simulatedVolumes } from "./networks.ts";
import { simulatedRaw } from "./raw.ts";
import type { SimulatedRegistry } from "./registry.ts";
import { Feed } from "./rows.ts";
import { simulatedExecs, simulatedStreams } from "./streams.ts";
import { make, simulatedTransfers } from "./transfers.ts";
import { World } from "./world.ts";

export type SimulatedOptions = {
  readonly address: string;
  readonly clock: Clock;
  /** A number in [0, 1). */
  readonly random: () => number;
  readonly name?: string;
  readonly cpus?: number;
  readonly memoryBytes?: number;
  /** `key=value`. */
  readonly labels?: readonly string[];
  readonly registries?: readonly SimulatedRegistry[];
  /** Milliseconds until a call without its own gives up. Default: 60 s. */
  readonly timeoutMs?: number;
};

export class SimulatedEngine {
  readonly faults: Faults;
  readonly world: World;
  readonly #options: SimulatedOptions;
  #id: string;

  constructor(options: SimulatedOptions) {
    const { address, clock, random, timeoutMs = 60_000 } = options;
    this.#options = options;
    this.faults = new Faults({ clock, address, timeoutMs });
    const newId = (length: number): string => Array.from({ length }, () => Math.floor(random() * 16).toString(16)).join("");
    this.world = new World({ clock, newId });
    this.#id = newId(32);
    this.#furnish();
  }

  /** Its data is gone, and with it its containers, images and id; busybox is there again. */
  loseData(): void {
    this.faults.cutStreams();
    this.world.clear();
    this.#id = this.world.newId(32);
    this.#furnish();
  }

  /** The port on it. As many as wanted. */
  open(): Engine {
    const { world, faults } = this;
    const { address, registries = [] } = this.#options;
    const place = { world, faults, address };
    const engine: Engine = {
      address,
      system: this.#system(),
      containers: simulatedContainers(world, faults),
      runs: simulatedRuns(world, faults),
      streams: simulatedStreams(place),
      execs: simulatedExecs(place),
      images: simulatedImages(world, faults),
      transfers: simulatedTransfers(place, registries),
      networks: simulatedNetworks(world, faults),
      volumes: simulatedVolumes(world, faults),
      raw: simulatedRaw(() => engine),
      [Symbol.asyncDispose]: async () => undefined,
    };
    return engine;
  }

  #furnish(): void {
    const files = new Map([["/bin/busybox", { bytes: Buffer.from("busybox"), mode: 0o755 }]]);
    make(this.world, { tags: ["busybox:latest"], files, history: ["busybox"] });
  }

  #system(): EngineSystem {
    const { world, faults } = this;
    const { address, clock } = this.#options;
    const versions = { Version: "20.10.24", ApiVersion: "1.41", MinAPIVersion: "1.12", Os: "linux", Arch: "amd64" };
    return {
      ping: (call = {}) => faults.pass("ping", call, () => ({ ApiVersion: versions.ApiVersion })),
      version: (call = {}) => faults.pass("version", call, () => versions),
      info: (call = {}) => faults.pass("info", call, () => this.#info(versions.Version)),
      events: ({ since, until, filters = {} } = {}, call = {}) =>
        faults.pass("events", call, () => {
          const listener = (event: EngineEvent) => void (matchesEvent(event, filters) && feed.push(event));
          const closed = new AbortController();
          const onClose = () => {
            world.listeners.delete(listener);
            closed.abort();
          };
          const feed = new Feed<EngineEvent>({ clock, faults, address, what: "events", call, onClose });
          const from = Number(since ?? Number.POSITIVE_INFINITY) * 1e9;
          for (const event of world.events) if (event.timeNano >= from) listener(event);
          world.listeners.add(listener);
          if (until !== undefined) {
            const end = waitUntil(clock, Number(until) * 1_000, closed.signal);
            end.then(
              () => feed.end(),
              () => undefined, // its reader has left
            );
          }
          return feed;
        }),
    };
  }

  #info(ServerVersion: string): EngineInfo {
    const { name = "simulated", cpus = 4, memoryBytes = 8 * 1024 ** 3, labels = [] } = this.#options;
    const states = [...this.world.containers.values()].map(({ state }) => state);
    const count = (...wanted: readonly string[]) => states.filter((state) => wanted.includes(state)).length;
    return {
      ID: this.#id,
      Name: name,
      ServerVersion,
      OSType: "linux",
      Architecture: "x86_64",
      NCPU: cpus,
      MemTotal: memoryBytes,
      Containers: states.length,
      ContainersRunning: count("running"),
      ContainersPaused: count("paused"),
      ContainersStopped: count("created", "exited"),
      Images: this.world.images.size,
      Labels: labels,
    };
  }
}
