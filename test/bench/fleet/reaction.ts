/** How soon a fleet does what must be done: when an engine dies, when a task is wanted, when a service grows. With the embedded loops, in real time. */
import { setTimeout as delay } from "node:timers/promises";
import { openMemory } from "../../../shared/log/memory/open.ts";
import { type Bar, type Context, duration, type Group, type Row, range, timeBar } from "../report.ts";
import { BenchFleet } from "./bench-fleet.ts";
import { type KillPart, kill, killParts, quickPolicy } from "./kill.ts";
import { percentile } from "./percentile.ts";
import { createTask, scale } from "./starts.ts";

/** Microseconds, one a round. */
type Times = readonly number[];

const killed = (part: KillPart): string => `engine killed: ${part}`;
const killTotal = "engine killed to another task known to run";
const taskName = "task created to its container started";
const scaleName = "service scaled from 3 to 30, all started";
const killWorkloads = [...killParts.map(killed), killTotal];

/** As an engine's death is noticed by somebody within a round of the healer: so long are deaths spread. */
const spreadMs = 10_000;
const nodes = 3;
/** Fleets at the same time, each with its own store, and deaths in each. */
const killFleets = 8;
const killRounds = 3;
const startRounds = 20;
/** Classic Swarm's for docker run. */
const swarmUs = { p50: 230_000, p99: 400_000 };
const killBarUs = 30_000_000;

export const reactionGroup: Group = {
  title: "reaction",
  workloads: [...killWorkloads, taskName, scaleName],
  async run(wanted, context) {
    const rows: Row[] = [];
    if (killWorkloads.some((name) => wanted.has(name))) {
      const rounds = await kills(context);
      for (const part of killParts)
        rows.push(
          row(
            killed(part),
            rounds.map((one) => one[part]),
          ),
        );
      const totals = rounds.map((one) => killParts.reduce((sum, part) => sum + one[part], 0));
      const bar = timeBar(`at most ${duration(killBarUs)}`, Math.max(...totals) <= killBarUs);
      rows.push(row(killTotal, totals, [bar]));
    }
    if (wanted.has(taskName)) {
      const us = await starts(context, taskName, createTask);
      const isMet = percentile(us, 0.5) <= swarmUs.p50 && Math.max(...us) <= swarmUs.p99;
      rows.push(row(taskName, us, [timeBar(`${duration(swarmUs.p50)}, at most ${duration(swarmUs.p99)}`, isMet)]));
    }
    if (wanted.has(scaleName)) rows.push(row(scaleName, await starts(context, scaleName, scale)));
    return {
      title: this.title,
      columns: ["median", "least and most", "rounds"],
      rows: rows.filter(({ workload }) => wanted.has(workload)),
      notes: [
        `In real time, with all loops of the embedded host on a store in memory; engines answer at once. Killed: one of ${nodes} engines refuses connections from a moment on that is spread over a round of the healer, and its event stream is cut; seen: its node is disconnected; down: its tasks are given up, after three failed probes and 15 s, which a restart of an engine takes; decided: another task is committed, with its node; started: on that node's engine; known: the task's status says so.`,
        "A task is created with its node, as the reconciler commits it. Classic Swarm's docker run, schedule and start, as published: p50 and p99.",
      ],
    };
  },
};

async function open({ quick }: Context): Promise<BenchFleet> {
  const ports = openMemory({ exclusive: true, appliesOnAppend: true });
  const fleet = await BenchFleet.open({ ports, nodes, ...(quick && { policy: quickPolicy }) });
  fleet.run();
  await fleet.addNodes();
  await fleet.untilReady();
  return fleet;
}

async function kills(context: Context): Promise<Readonly<Record<KillPart, number>>[]> {
  const [fleets, rounds, waitMs] = context.quick ? [1, 1, 0] : [killFleets, killRounds, spreadMs];
  const all = Array.from({ length: fleets }, async () => {
    await using fleet = await open(context);
    await fleet.addServices(1, nodes);
    await fleet.untilRunning(nodes);
    const measured: Readonly<Record<KillPart, number>>[] = [];
    for (let round = 0; round < rounds; round += 1) {
      context.progress(killTotal, `round ${round + 1} of ${rounds}`);
      await delay(Math.random() * waitMs);
      measured.push(await kill(fleet, round % nodes));
    }
    return measured;
  });
  return (await Promise.all(all)).flat();
}

async function starts(
  context: Context,
  name: string,
  start: (fleet: BenchFleet, round: number) => Promise<number>,
): Promise<Times> {
  await using fleet = await open(context);
  const rounds = context.quick ? 1 : startRounds;
  const us: number[] = [];
  // One before that does not count.
  for (let round = 0; round <= rounds; round += 1) {
    context.progress(name, `round ${round} of ${rounds}`);
    const took = await start(fleet, round);
    if (round > 0) us.push(took);
  }
  return us;
}

function row(workload: string, us: Times, bars: readonly Bar[] = []): Row {
  const p50 = percentile(us, 0.5);
  return {
    workload,
    cells: [duration(p50), range(us, duration), String(us.length)],
    figures: { p50Us: p50, maxUs: Math.max(...us) },
    bars,
  };
}
