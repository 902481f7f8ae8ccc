/**
 * One process of the control plane: a line, a store of its own on the one log, and the whole of the fleet on it, living long or woken in
 * rounds. It ends with `crash`, wherever it is; `stop` asks it to end.
 */
import type { Logger } from "../../../shared/base/logger.ts";
import type { ClusterFleet } from "../../../shared/fleet/cluster-fleet.ts";
import type { Store } from "../../../shared/state/store.ts";
import type { FleetCode } from "./code.ts";
import type { Line } from "./line.ts";
import { type Asked, linkedEngine } from "./linked-engine.ts";
import type { Machine } from "./machine.ts";
import type { Ports } from "./ports.ts";
import { clusterUid } from "./subject.ts";

export type ProcessOptions = {
  readonly code: FleetCode;
  readonly line: Line;
  readonly engineLine: Line;
  readonly ports: Ports;
  readonly mode: "run" | "rounds";
  readonly lostEvents: number;
  readonly createMs: number;
  readonly machineAt: (address: string) => Machine | undefined;
  readonly isCutOff: (machine: Machine) => boolean;
  readonly arrived: (asked: Asked) => void;
  readonly logger: Logger;
  readonly fail: (text: string) => void;
};

/** The schedule of whoever is woken. */
const scheduleMs = 60_000;
/** A round that is told to end does so before the next begins. */
const roundMs = 45_000;
const againMs = 2_000;

export class FleetProcess {
  readonly #options: ProcessOptions;
  readonly #store: Store;
  readonly #stopping = new AbortController();
  readonly #common: ConstructorParameters<FleetCode["Collector"]>[0] & Parameters<FleetCode["openClusterFleet"]>[0];
  /** For what people ask of it. */
  readonly fleet: ClusterFleet;
  #wake: (() => void) | undefined;
  #done: Promise<unknown> = Promise.resolve();

  constructor(options: ProcessOptions) {
    const { code, line, ports, logger } = options;
    this.#options = options;
    this.#store = new code.Store({
      ...ports,
      uid: clusterUid,
      registry: code.registry,
      clock: line,
      ids: line,
      logger,
      scope: "cluster",
    });
    const open = async ({ address }: { readonly address: string }) => this.#open(address);
    const policy = { agents: { createMs: options.createMs } };
    const secrets = { resolve: () => Promise.reject(new Error("there are no secrets here")) };
    this.#common = {
      ...ports,
      store: this.#store,
      clock: line,
      ids: line,
      logger,
      secrets,
      open,
      policy,
      scope: "cluster" as const,
    };
    this.fleet = code.openClusterFleet(this.#common);
  }

  get isCut(): boolean {
    return this.#options.line.isCut;
  }

  begin(): void {
    const { mode, fail } = this.#options;
    const collector = new this.#options.code.Collector(this.#common);
    const signal = this.#stopping.signal;
    const work = mode === "run" ? Promise.all([this.fleet.run(signal), collector.run(signal)]) : this.#rounds(collector);
    this.#done = work.catch((error: unknown) =>
      fail(`a process's loop rejects: ${error instanceof Error ? error.stack : String(error)}`),
    );
  }

  /** Something was committed. */
  wake(): void {
    this.#wake?.();
  }

  crash(): void {
    this.#options.line.cut();
    this.#options.engineLine.cut();
  }

  /** Resolves when it has ended. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    this.wake();
    await this.#done;
    await this.fleet[Symbol.asyncDispose]();
  }

  /** As functions/reconciler and functions/healer do, each time with a fleet of its own. */
  async #rounds(collector: InstanceType<FleetCode["Collector"]>): Promise<void> {
    const { code, line, logger } = this.#options;
    const { signal } = this.#stopping;
    let healthAt = 0;
    while (!signal.aborted) {
      const withHealth = line.monotonic() >= healthAt;
      if (withHealth) healthAt = line.monotonic() + scheduleMs;
      let nextMs = Math.max(againMs, healthAt - line.monotonic());
      const fleet = code.openClusterFleet(this.#common);
      const over = new AbortController();
      const done = new AbortController();
      line.sleep(roundMs, done.signal).then(
        () => over.abort(),
        () => undefined, // it ended in time
      );
      try {
        const round = await fleet.round({ signal: AbortSignal.any([signal, over.signal]), withHealth });
        if (withHealth) await collector.sweep(signal);
        if (round.again) nextMs = Math.min(nextMs, againMs);
        if (round.wakeAt !== undefined) nextMs = Math.min(nextMs, Math.max(againMs, round.wakeAt - line.now()));
      } catch (error) {
        if (!signal.aborted) logger.log("warn", "a round failed", { error });
        nextMs = againMs;
      }
      done.abort();
      await fleet[Symbol.asyncDispose]();
      await this.#pause(nextMs);
    }
  }

  async #pause(ms: number): Promise<void> {
    const woken = new AbortController();
    this.#wake = () => woken.abort();
    if (this.#stopping.signal.aborted) return;
    await this.#options.line.sleep(ms, woken.signal).catch(() => undefined);
    this.#wake = undefined;
  }

  #open(address: string) {
    const { machineAt, isCutOff, engineLine: line, code, lostEvents, arrived } = this.#options;
    const machine = machineAt(address);
    if (machine === undefined) throw new Error(`nothing is at ${address}`);
    return linkedEngine({ code, line, machine, isCutOff: () => isCutOff(machine), lostEvents, arrived });
  }
}
