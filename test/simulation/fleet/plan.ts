/** What a run of the fleet does, drawn from its seed: machines, processes, and acts in time. Smaller plans come from shrink.ts. */
import type { Faults } from "../link.ts";
import { Random } from "../random.ts";
import { images } from "./subject.ts";

export type ServiceAct = {
  readonly do: "service";
  readonly service: string;
  readonly mode: "replicated" | "global";
  readonly replicas: number;
  readonly image: string;
  readonly order: "stop-first" | "start-first";
  readonly failureAction: "pause" | "continue" | "rollback";
  readonly parallelism: number;
  readonly zone: string | undefined;
  readonly maxReplicas: number;
  readonly isDeaf: boolean;
  readonly isNetworked: boolean;
};
export type Act =
  | ServiceAct
  | { readonly do: "scale"; readonly service: string; readonly replicas: number }
  | { readonly do: "image"; readonly service: string; readonly image: string }
  | { readonly do: "delete service"; readonly service: string }
  | { readonly do: "availability"; readonly machine: number; readonly to: "active" | "pause" | "drain" }
  /** isForced: whatever holds it. */
  | { readonly do: "delete node"; readonly machine: number; readonly isForced: boolean }
  | { readonly do: "add node"; readonly machine: number; readonly rename: boolean }
  | {
      readonly do: "create";
      readonly process: number;
      readonly start: boolean;
      readonly isNamed: boolean;
      readonly crash: CrashAt | undefined;
    }
  | { readonly do: "remove created"; readonly process: number; readonly pick: number }
  | { readonly do: "foreign"; readonly machine: number; readonly how: "plain" | "other cluster" | "our name" | "our labels" }
  | { readonly do: "by hand"; readonly machine: number; readonly how: "kill" | "remove"; readonly pick: number }
  | { readonly do: "crash"; readonly process: number; readonly when: CrashAt; readonly downMs: number }
  | { readonly do: "restart"; readonly process: number }
  | { readonly do: "engine"; readonly machine: number; readonly fault: EngineFault; readonly some: boolean; readonly ms: number }
  | { readonly do: "power"; readonly machine: number; readonly ms: number }
  | { readonly do: "lose data"; readonly machine: number }
  | { readonly do: "lie"; readonly machine: number; readonly how: "omits" | "doubles" | "exited"; readonly ms: number }
  | { readonly do: "partition"; readonly process: number; readonly machines: readonly number[]; readonly ms: number }
  | { readonly do: "registry"; readonly ms: number };
/** call: when its next change reaches an engine, commit: when its next entry is there; it does not hear of either. */
export type CrashAt = "now" | "call" | "commit";
export type EngineFault = "hang" | "failing" | "failing afterwards" | "cut" | "unreachable" | "slow";
export type Timed = { readonly atMs: number; readonly act: Act };

export type FleetPlan = {
  readonly seed: number;
  readonly machines: number;
  /** run: lives long; rounds: is woken, as on Lambda. */
  readonly processes: readonly ("run" | "rounds")[];
  /** Until everything heals. */
  readonly spanMs: number;
  /** That nothing happens any more is watched for so long; 0: it is not. */
  readonly idleMs: number;
  readonly acts: readonly Timed[];
  /** Of ways to the store, and to the engines. */
  readonly storeFaults: Faults;
  readonly engineFaults: Faults;
  readonly lostEvents: number;
  /** The machine that never comes back; undefined: all do. */
  readonly dead: number | undefined;
  /** For how long agents wait for a container to be made. */
  readonly createMs: number;
  /** How far clocks of processes are off, at the most. */
  readonly skewMs: number;
  readonly masked: readonly string[];
};

const services = ["web", "db", "api"];
const minuteMs = 60_000;
const hourMs = 60 * minuteMs;
/** Of so many seeds one is watched at rest for some minutes, and one for an hour. */
const idleEvery = 4;
const longEvery = 40;

/** Kinds of runs to keep to; absent: as the seed says. */
export type Focus = {
  /** Engines take their time, and clocks of processes are far apart. */
  readonly slow?: true;
  /** Nobody hears an engine's events. */
  readonly deaf?: true;
  /** Each service has a task on every node, and no node takes two of one. */
  readonly full?: true;
};

export function drawPlan(seed: number, focus: Focus = {}): FleetPlan {
  const plan = drawAny(seed);
  const { engineFaults } = plan;
  return {
    ...plan,
    ...(focus.slow && { skewMs: 40_000, createMs: 8_000, engineFaults: { ...engineFaults, pause: 0.6, pauseMs: 12_000 } }),
    ...(focus.full && { acts: plan.acts.map(({ atMs, act }) => ({ atMs, act: filled(act, plan) })) }),
    ...(focus.deaf && { lostEvents: 1, processes: plan.processes.map(() => "run" as const) }),
  };
}

const filled = (act: Act, { machines }: FleetPlan): Act =>
  act.do === "service" ? { ...act, mode: "replicated", replicas: machines, maxReplicas: 1, zone: undefined } : act;

function drawAny(seed: number): FleetPlan {
  const random = new Random(`fleet ${seed}`);
  const machines = 2 + random.int(5);
  const processes = Array.from({ length: 1 + random.int(3) }, () => (random.chance(0.6) ? "run" : "rounds"));
  const spanMs = random.scaled(minuteMs, 8 * minuteMs);
  const drawer = new Drawer(random, machines, processes.length);
  const begun = Array.from(
    { length: machines },
    (_, machine): Timed => ({ atMs: random.int(2_000), act: { do: "add node", machine, rename: false } }),
  );
  const first = services
    .slice(0, 1 + random.int(services.length))
    .map((service): Timed => ({ atMs: random.int(20_000), act: drawer.service(service) }));
  const later = Array.from({ length: 5 + random.int(30) }, () => ({ atMs: random.int(spanMs), act: drawer.act() }));
  const rate = (most: number) => (random.chance(0.4) ? 0 : most * random.next());
  return {
    seed,
    machines,
    processes,
    spanMs,
    idleMs: seed % longEvery === 0 ? hourMs : seed % idleEvery === 0 ? 5 * minuteMs : 0,
    acts: [...begun, ...first, ...later].sort((one, other) => one.atMs - other.atMs),
    storeFaults: faultsOf({
      pause: rate(0.05),
      pauseMs: 5_000,
      refuse: rate(0.03),
      lose: rate(0.05),
      late: rate(0.02),
      lateMs: 10_000,
    }),
    engineFaults: faultsOf({
      pause: rate(0.1),
      pauseMs: 20_000,
      refuse: rate(0.05),
      lose: rate(0.15),
      late: rate(0.1),
      lateMs: 90_000,
    }),
    lostEvents: random.pick([0, 0, 0.3, 1]),
    createMs: random.pick([60_000, 8_000]),
    dead: random.chance(0.25) ? random.int(machines) : undefined,
    skewMs: random.pick([0, 3_000, 20_000]),
    masked: [],
  };
}

const faultsOf = (given: Partial<Faults>): Faults => ({
  pause: 0,
  pauseMs: 0,
  refuse: 0,
  lose: 0,
  late: 0,
  lateMs: 0,
  twice: 0,
  torn: 0,
  behind: 0,
  ...given,
});

class Drawer {
  readonly #random: Random;
  readonly #machines: number;
  readonly #processes: number;

  constructor(random: Random, machines: number, processes: number) {
    this.#random = random;
    this.#machines = machines;
    this.#processes = processes;
  }

  service(service: string): ServiceAct {
    const random = this.#random;
    return {
      do: "service",
      service,
      mode: random.chance(0.25) ? "global" : "replicated",
      replicas: random.int(6),
      image: this.#image(),
      order: random.pick(["stop-first", "start-first"] as const),
      failureAction: random.pick(["pause", "continue", "rollback"] as const),
      parallelism: random.int(3),
      zone: random.chance(0.2) ? `z${random.int(2)}` : undefined,
      maxReplicas: random.chance(0.2) ? 1 + random.int(2) : 0,
      isDeaf: random.chance(0.2),
      isNetworked: random.chance(0.3),
    };
  }

  act(): Act {
    const random = this.#random;
    const machine = random.int(this.#machines);
    const process = random.int(this.#processes);
    const ms = random.scaled(500, 3 * minuteMs);
    const pick = random.int(1_000);
    const service = random.pick(services);
    const draws: readonly (readonly [weight: number, draw: () => Act])[] = [
      [1, () => this.service(service)],
      [3, () => ({ do: "scale", service, replicas: random.int(6) })],
      [2, () => ({ do: "image", service, image: this.#image() })],
      [1, () => ({ do: "delete service", service })],
      [2, () => ({ do: "availability", machine, to: random.pick(["active", "active", "pause", "drain"] as const) })],
      [2, () => ({ do: "delete node", machine, isForced: random.chance(0.3) })],
      [2, () => ({ do: "add node", machine, rename: random.chance(0.3) })],
      [
        4,
        () => ({
          do: "create",
          process,
          start: random.chance(0.7),
          isNamed: random.chance(0.3),
          crash: random.chance(0.3) ? random.pick(["call", "commit"] as const) : undefined,
        }),
      ],
      [1, () => ({ do: "remove created", process, pick })],
      [2, () => ({ do: "foreign", machine, how: random.pick(["plain", "other cluster", "our name", "our labels"] as const) })],
      [2, () => ({ do: "by hand", machine, how: random.pick(["kill", "remove"] as const), pick })],
      [
        6,
        () => ({
          do: "crash",
          process,
          when: random.pick(["now", "call", "commit"] as const),
          downMs: random.scaled(10, minuteMs),
        }),
      ],
      [1, () => ({ do: "restart", process })],
      [4, () => ({ do: "engine", machine, fault: this.#fault(), some: random.chance(0.5), ms })],
      [2, () => ({ do: "power", machine, ms })],
      [1, () => ({ do: "lose data", machine })],
      [1, () => ({ do: "lie", machine, how: random.pick(["omits", "doubles", "exited"] as const), ms })],
      [2, () => ({ do: "partition", process, machines: this.#some(), ms })],
      [1, () => ({ do: "registry", ms })],
    ];
    let left = random.int(draws.reduce((sum, [weight]) => sum + weight, 0));
    for (const [weight, draw] of draws) {
      left -= weight;
      if (left < 0) return draw();
    }
    throw new Error("weights end before their sum");
  }

  #image(): string {
    return this.#random.chance(0.3) ? "busybox" : this.#random.pick(images);
  }

  #fault(): EngineFault {
    return this.#random.pick(["hang", "failing", "failing afterwards", "cut", "unreachable", "slow"] as const);
  }

  #some(): readonly number[] {
    return Array.from({ length: this.#machines }, (_, machine) => machine).filter(() => this.#random.chance(0.5));
  }
}
