/** What a run does, drawn from its seed: processes, threads and their acts, and how often what goes wrong. Smaller plans come from shrink.ts. */
import type { Faults } from "./link.ts";
import { drawQuery, type Query } from "./query.ts";
import { Random } from "./random.ts";
import { colors, type Place, places, watchFilters } from "./subject.ts";

export type WriteHow =
  | "put"
  | "create"
  | "delete"
  | "conditional"
  | "replace"
  | "recolor"
  | "twice"
  | "large"
  | "many"
  | "nothing";
export type Act =
  | { readonly do: "rest"; readonly ms: number }
  | {
      readonly do: "write";
      readonly how: WriteHow;
      readonly place: Place;
      readonly other: Place;
      readonly color: string;
      readonly before: readonly Query[];
      readonly after: readonly Query[];
    }
  | {
      readonly do: "view";
      readonly at: "now" | "past" | "above" | "former";
      readonly back: number;
      readonly queries: readonly Query[];
    }
  | { readonly do: "pages"; readonly limit: number; readonly restMs: number }
  | { readonly do: "batch"; readonly places: readonly Place[]; readonly color: string; readonly failAt: number | undefined }
  | {
      readonly do: "watch";
      readonly from: "now" | "resume" | "former" | "above";
      readonly filter: number;
      readonly events: number;
      readonly waitMs: number;
      readonly restMs: number;
      readonly useProgress: boolean;
      readonly close: boolean;
      readonly queries: readonly Query[];
    }
  | { readonly do: "seal" };

export type ThreadPlan = { readonly name: string; readonly process: number; readonly acts: readonly Act[] };
export type Plan = {
  readonly seed: number;
  /** With limits that a short run reaches. */
  readonly small: boolean;
  /** One process that writes alone and knows the head, as on SQLite. */
  readonly exclusive: boolean;
  readonly appendMax: number;
  readonly compressAboveBytes: number;
  readonly cachedBytesMax: number;
  readonly threads: readonly ThreadPlan[];
  readonly crashes: readonly { readonly process: number; readonly atMs: number }[];
  readonly strips: readonly { readonly atMs: number; readonly keepMs: number }[];
  /** Of the processes with threads. */
  readonly faults: Faults;
  /** Of publishers and strippers. */
  readonly helperFaults: Faults;
  /** Of wake-ups, in [0, 1]. */
  readonly lostWakeUps: number;
  readonly masked: readonly string[];
};

/** Kinds of runs to keep to; absent: as the seed says. */
export type Focus = {
  readonly small?: true;
  readonly slow?: true;
  readonly seals?: true;
  readonly strips?: true;
  readonly crowded?: true;
  readonly stuck?: true;
};

const hourMs = 3_600_000;

export function drawPlan(seed: number, focus: Focus = {}): Plan {
  const random = new Random(`plan ${seed}`);
  const exclusive = random.chance(0.1);
  const small = random.chance(0.5) || focus.small === true;
  /** In slow runs tombstones expire and writers sleep for days. */
  const slow = random.chance(0.3) || focus.slow === true;
  const restMostMs = slow ? 30 * hourMs : 2_000;
  /** Many threads of few processes write at once, and many replies are lost. */
  const crowded = random.chance(0.1) || focus.crowded === true;
  /** Publishers seldom get on: the marker stands for days while rows above it are written. */
  const stuck = random.chance(0.1) || focus.stuck === true;
  const processes = exclusive ? 1 : crowded ? 2 : 1 + random.int(3);
  const threadsEach = crowded ? 4 : 1 + random.int(3);
  const seals = random.chance(0.15) || focus.seals === true;
  const threads = Array.from({ length: processes * threadsEach }, (_, index): ThreadPlan => {
    const acts = Array.from({ length: 4 + random.int(18) }, () => drawActs(random, crowded ? 20 : restMostMs, slow)).flat();
    if (seals && index === 0) acts.splice(Math.floor(acts.length / 2), 0, { do: "seal" });
    return { name: `thread${index}`, process: index % processes, acts };
  });
  const spanMs = slow ? 100 * hourMs : 15_000;
  return {
    seed,
    small,
    exclusive,
    appendMax: exclusive || random.chance(0.25) ? 4 : 1,
    compressAboveBytes: random.chance(0.1) ? 900 : Number.POSITIVE_INFINITY,
    cachedBytesMax: random.chance(0.3) ? 1_000 : 1_000_000,
    threads,
    crashes: exclusive ? [] : some(random, 2, () => ({ process: random.int(processes), atMs: random.scaled(10, spanMs) })),
    strips: some(random, focus.strips === true ? 30 : 10, () => ({
      atMs: random.scaled(10, spanMs),
      keepMs: random.pick([-60_000, -60_000, 0, 1_000, hourMs]),
    })),
    ...drawFaults(random, { exclusive, slow, crowded, stuck }),
    lostWakeUps: random.pick([0, 0.1, 0.4]),
    masked: [],
  };
}

function some<T>(random: Random, most: number, draw: () => T): T[] {
  return Array.from({ length: random.int(most + 1) }, draw);
}

type Weather = { readonly exclusive: boolean; readonly slow: boolean; readonly crowded: boolean; readonly stuck: boolean };

function drawFaults(random: Random, { exclusive, slow, crowded, stuck }: Weather) {
  const rate = (most: number) => (random.chance(0.25) ? 0 : most * random.next());
  const pauseMs = slow ? 40 * hourMs : random.pick([300, 8_000]);
  const helperPauseMs = slow ? hourMs / 3 : random.pick([300, 8_000]);
  const lateMs = slow ? 100 * hourMs : 20_000;
  const none = { lose: 0, late: 0, twice: 0, behind: 0 };
  const faults: Faults = {
    pause: rate(0.15),
    pauseMs,
    refuse: rate(0.08),
    lose: crowded ? 0.4 : rate(0.25),
    late: rate(0.15),
    lateMs,
    twice: rate(0.1),
    torn: rate(0.4),
    behind: rate(0.5),
    ...(exclusive && none),
  };
  const helperFaults: Faults = {
    pause: rate(0.2),
    pauseMs: helperPauseMs,
    refuse: rate(0.08),
    lose: rate(0.15),
    late: stuck ? 0.5 : rate(0.3),
    lateMs,
    twice: rate(0.1),
    torn: rate(0.3),
    behind: 0,
    ...(exclusive && none),
  };
  return { faults, helperFaults };
}

const hows: readonly WriteHow[] = [
  ...["put", "put", "put", "put", "create", "create", "delete", "delete", "delete", "conditional", "conditional"],
  ...["replace", "recolor", "twice", "large", "many", "nothing"],
] as WriteHow[];

function drawActs(random: Random, restMostMs: number, slow: boolean): Act[] {
  const rest: Act = { do: "rest", ms: random.scaled(1, restMostMs) };
  return random.chance(0.6) ? [rest, drawAct(random, slow)] : [drawAct(random, slow)];
}

function drawAct(random: Random, slow: boolean): Act {
  const queries = () => some(random, 2, () => drawQuery(random));
  const drawn = random.next();
  if (drawn < 0.5) {
    const [place, other] = [random.pick(places), random.pick(places)];
    return { do: "write", how: random.pick(hows), place, other, color: random.pick(colors), before: queries(), after: queries() };
  }
  if (drawn < 0.72) {
    const at = random.pick(["now", "now", "now", "past", "past", "above", "former"] as const);
    return { do: "view", at, back: random.int(8), queries: [drawQuery(random), ...queries()] };
  }
  if (drawn < 0.77) return { do: "pages", limit: 1 + random.int(3), restMs: random.scaled(1, 2_000) };
  if (drawn < 0.82)
    return {
      do: "batch",
      places: some(random, 7, () => random.pick(places)),
      color: random.pick(colors),
      failAt: random.chance(0.2) ? random.int(5) : undefined,
    };
  return {
    do: "watch",
    from: random.pick(["now", "now", "resume", "resume", "resume", "resume", "former", "above"] as const),
    filter: random.int(watchFilters.length),
    events: random.int(8),
    waitMs: random.scaled(1, 3_000),
    restMs: random.chance(0.3) ? random.scaled(1, 5_000) : 0,
    useProgress: random.chance(0.5),
    // One that is left open asks the log every second: for days, in slow runs.
    close: slow || random.chance(0.8),
    queries: queries(),
  };
}
