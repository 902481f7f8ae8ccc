/**
 * Writers of one log, each a process of its own with its own replica, on a log whose requests take as long as DynamoDB's. The committer is
 * the real one; only the way to the log and the clock are doubles, so what comes out is the same on every machine.
 */
import type { Clock } from "../../../shared/base/clock.ts";
import { silentLogger } from "../../../shared/base/logger.ts";
import { builtinKinds, createRegistry } from "../../../shared/kinds/registry.ts";
import { openMemory } from "../../../shared/log/memory/open.ts";
import type { Log, Objects } from "../../../shared/log/ports.ts";
import { BusyError } from "../../../shared/state/errors.ts";
import { Store } from "../../../shared/state/store.ts";
import { Random } from "../../simulation/random.ts";
import { byBench, first, nodeName, nodeOf } from "../store/open.ts";
import { VirtualClock } from "./virtual-clock.ts";

/** A put from Lambda at p50: 7.55 ms (github.com/alexdebrie/dynamodb-performance-testing). */
export const roundTripMs = 7.5;

export type Contention = {
  readonly writers: number;
  /** Of each writer, one after the other. */
  readonly callsEach: number;
  /** Between an answer and the writer's next call, at most. */
  readonly pauseMs: number;
  readonly seed: string;
};

export type Contended = {
  readonly commits: number;
  /** Calls that were answered 429. */
  readonly busy: number;
  readonly puts: number;
  readonly reads: number;
  /** Commits while all writers were at work, and how long that was. */
  readonly full: { readonly commits: number; readonly ms: number };
  /** Of the calls that committed, in milliseconds. */
  readonly latencies: readonly number[];
};

const uid = "contended";
const registry = createRegistry(builtinKinds);

export async function contend({ writers, callsEach, pauseMs, seed }: Contention): Promise<Contended> {
  const clock = new VirtualClock();
  const { log, objects } = openMemory({ appendMax: 1 });
  const far = new FarLog(log, clock);
  await objects.begin(uid, first);
  let [busy, finished] = [0, 0];
  let full = { commits: 0, ms: 0 };
  const latencies: number[] = [];
  const write = async (writer: number): Promise<void> => {
    const random = new Random(`${seed}/${writer}`);
    const store = storeOf({ log: far, objects }, clock, random);
    await clock.sleep(random.next() * roundTripMs);
    for (let call = 0; call < callsEach; call += 1) {
      const begun = clock.monotonic();
      if (await isCommitted(store, writer, call)) latencies.push(clock.monotonic() - begun);
      else busy += 1;
      if (finished === 0 || callsEach === 1) full = { commits: latencies.length, ms: clock.monotonic() };
      await clock.sleep(random.next() * pauseMs);
    }
    finished += 1;
    store.close();
  };
  await clock.passUntil(Promise.all(Array.from({ length: writers }, (_, writer) => write(writer))));
  return { commits: latencies.length, busy, puts: far.puts, reads: far.reads, full, latencies };
}

/** Each writer writes an object of its own; false: it was answered 429. */
async function isCommitted(store: Store, writer: number, call: number): Promise<boolean> {
  const name = nodeName(writer);
  const node = nodeOf(name, { annotations: { call: String(call) } });
  try {
    await store.update(({ nodes }) => (nodes.get(name) === undefined ? nodes.create(node) : nodes.update(node)), byBench);
    return true;
  } catch (error) {
    if (error instanceof BusyError) return false;
    throw error;
  }
}

function storeOf(ports: { readonly log: Log; readonly objects: Objects }, clock: Clock, random: Random): Store {
  const prefix = random.int(2 ** 30);
  let made = 0;
  const uuid = (): string => {
    made += 1;
    return `${prefix}-${made}`;
  };
  const ids = { random: () => random.next(), uuid };
  return new Store({ uid, ...ports, registry, clock, ids, logger: silentLogger, scope: "cluster" });
}

/** A log as far away as DynamoDB: half of the time passes before the act, half after it. */
class FarLog implements Log {
  readonly appendMax: number;
  readonly compressAboveBytes: number;
  puts = 0;
  reads = 0;
  readonly #log: Log;
  readonly #clock: Clock;

  constructor(log: Log, clock: Clock) {
    this.appendMax = log.appendMax;
    this.compressAboveBytes = log.compressAboveBytes;
    this.#log = log;
    this.#clock = clock;
  }

  append(...run: Parameters<Log["append"]>): ReturnType<Log["append"]> {
    this.puts += 1;
    return this.#far(() => this.#log.append(...run));
  }

  read(...range: Parameters<Log["read"]>): ReturnType<Log["read"]> {
    this.reads += 1;
    return this.#far(() => this.#log.read(...range));
  }

  strip(...range: Parameters<Log["strip"]>): Promise<void> {
    return this.#log.strip(...range);
  }

  /** Others write, too. */
  head(): undefined {
    return undefined;
  }

  async #far<T>(act: () => Promise<T>): Promise<T> {
    await this.#clock.sleep(roundTripMs / 2);
    const answer = await act();
    await this.#clock.sleep(roundTripMs / 2);
    return answer;
  }
}
