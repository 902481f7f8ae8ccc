/** Ports that count what is asked of them and let a test step in: for rules that are about requests, replies and their order. */
import type { Clock } from "../../shared/base/clock.ts";
import { systemIds } from "../../shared/base/ids.ts";
import { silentLogger } from "../../shared/base/logger.ts";
import { builtinKinds, createRegistry } from "../../shared/kinds/registry.ts";
import { openMemory } from "../../shared/log/memory/open.ts";
import type { Appended, Cells, EncodedEntry, Log, Objects, ReadOptions } from "../../shared/log/ports.ts";
import { Store, type StoreOptions } from "../../shared/state/store.ts";

export const uid = "life";
export const first = 1_790_000_000_000;

export type Ports = { readonly log: Log; readonly objects: Objects; readonly cells: Cells };
export type Watched = Ports & {
  /** What was asked, in order: `append 5`, `read 4`, `markers`, `get nodes/a`, `page nodes/`, `apply`, `move applied`. */
  readonly asked: string[];
  /** Replaces the next appends, one each: gets the real one to call or not. */
  readonly appends: ((append: () => Promise<Appended>, run: readonly EncodedEntry[]) => Promise<Appended>)[];
  /** Called before each request is carried out, after it was noted. */
  before: (request: string) => Promise<void> | void;
};

/** A fresh life on a log that others may write, too. */
export async function watchedPorts(): Promise<Watched> {
  const memory = openMemory({ appendMax: 1, compressAboveBytes: 900 });
  await memory.objects.begin(uid, first);
  const watched: Watched = {
    ...wrap(memory, () => watched),
    cells: memory.cells,
    asked: [],
    appends: [],
    before: () => undefined,
  };
  return watched;
}

function wrap({ log, objects }: Ports, own: () => Watched): Pick<Ports, "log" | "objects"> {
  const ask = async <T>(request: string, act: () => Promise<T>): Promise<T> => {
    own().asked.push(request);
    await own().before(request);
    return act();
  };
  return {
    log: {
      appendMax: log.appendMax,
      compressAboveBytes: log.compressAboveBytes,
      append: (life, run) =>
        ask(`append ${(run[0]?.entry.revision ?? 0) - first}`, () => {
          const real = () => log.append(life, run);
          return own().appends.shift()?.(real, run) ?? real();
        }),
      read: (life: string, options: ReadOptions) =>
        ask(`read ${options.after - first}${options.consistent ? "" : " eventually"}`, () => log.read(life, options)),
      strip: (life, range) => ask(`strip ${range.upTo - first}`, () => log.strip(life, range)),
      head: (life) => log.head(life),
    },
    objects: {
      begin: (life, at) => objects.begin(life, at),
      markers: (life) => ask("markers", () => objects.markers(life)),
      move: (life, marker, step) =>
        ask(`move ${marker} ${step.from - first} to ${step.to - first}`, () => objects.move(life, marker, step)),
      get: (life, key) => ask(`get ${key}`, () => objects.get(life, key)),
      page: (life, range) => ask(`page ${range.prefix}`, () => objects.page(life, range)),
      apply: (life, writes, now) => ask(`apply ${writes.length}`, () => objects.apply(life, writes, now)),
      remove: (life, limit) => objects.remove(life, limit),
    },
  };
}

/** A clock whose sleeps take no real time but count, and let others run. */
export class QuickClock implements Clock {
  readonly sleeps: number[] = [];
  #ms = 1_790_000_000_000;

  now(): number {
    return this.#ms;
  }
  monotonic(): number {
    return this.#ms;
  }
  advance(ms: number): void {
    this.#ms += ms;
  }
  async sleep(ms: number): Promise<void> {
    this.sleeps.push(ms);
    this.#ms += ms;
    await new Promise(setImmediate);
  }
}

export function openStore(ports: Ports, clock: Clock, options: Partial<StoreOptions> = {}): Store {
  const registry = createRegistry(builtinKinds);
  const ids = { ...systemIds, random: () => 0.5 };
  return new Store({ ...ports, uid, registry, clock, ids, logger: silentLogger, scope: "cluster", ...options });
}

/** What `ports` are asked while `act` runs. */
export async function asked(ports: Watched, act: () => Promise<unknown>): Promise<string[]> {
  ports.asked.length = 0;
  await act();
  return [...ports.asked];
}
