/** Rounds of the healer over 1,000 nodes: at rest, when all of them come at once, and when 50 hang. */
import { performance } from "node:perf_hooks";
import { systemClock } from "../../../shared/base/clock.ts";
import { systemIds } from "../../../shared/base/ids.ts";
import { silentLogger } from "../../../shared/base/logger.ts";
import { NodeEngines } from "../../../shared/fleet/nodes/engines.ts";
import { NodeHealer } from "../../../shared/fleet/nodes/healer.ts";
import { defaultHealerPolicy } from "../../../shared/fleet/nodes/policy.ts";
import { nodeKind } from "../../../shared/kinds/node.ts";
import { openMemory } from "../../../shared/log/memory/open.ts";
import { onAny } from "../../../shared/state/event.ts";
import { type Context, duration, type Group, type Row, range, timeBar } from "../report.ts";
import { BenchFleet } from "./bench-fleet.ts";
import { percentile } from "./percentile.ts";

/** Of as many nodes one hangs. */
const hangEvery = 20;
const wholeNodes = 1_000;
const quickNodes = 40;
const quickProbeMs = 100;
/** The issue's: a ping's time-out and a second. */
const spareMs = 1_000;
const hang = { kind: "hang" } as const;

type Case = {
  readonly name: string;
  /** Milliseconds. */
  readonly measure: (round: Prepared) => Promise<number>;
  readonly isNew?: boolean;
  readonly hangs?: boolean;
  readonly barMs?: (probeMs: number) => number;
};
type Prepared = { readonly fleet: BenchFleet; readonly healer: NodeHealer };

const cases: readonly Case[] = [
  { name: "1,000 nodes at rest", measure: wholeRound, barMs: () => spareMs },
  { name: "1,000 nodes come at once", isNew: true, measure: wholeRound },
  { name: "50 of 1,000 nodes hang", hangs: true, measure: wholeRound, barMs: (probeMs) => probeMs + spareMs },
  {
    name: "1,000 nodes come at once and 50 hang",
    isNew: true,
    hangs: true,
    measure: wholeRound,
    barMs: (probeMs) => probeMs + spareMs,
  },
  { name: "1,000 nodes come at once and 50 hang: the others are ready", isNew: true, hangs: true, measure: untilOthersAreReady },
];

export const roundsGroup: Group = {
  title: "a round of the healer over 1,000 nodes",
  workloads: cases.map(({ name }) => name),
  async run(wanted, context) {
    const rows: Row[] = [];
    for (const one of cases) if (wanted.has(one.name)) rows.push(await measured(one, context));
    return {
      title: this.title,
      columns: ["median", "least and most", "rounds"],
      rows,
      notes: [
        `On a store in memory; engines answer at once, or not at all, and then a ping is given up after ${defaultHealerPolicy.probeMs / 1_000} s. Come: nobody has looked at them yet, so each is asked what it is, and committed.`,
      ],
    };
  },
};

async function measured(one: Case, context: Context): Promise<Row> {
  const probeMs = context.quick ? quickProbeMs : defaultHealerPolicy.probeMs;
  const rounds = one.hangs === true ? Math.min(3, context.rounds) : context.rounds;
  const us: number[] = [];
  for (let round = 0; round <= rounds; round += 1) {
    context.progress(one.name, `round ${round} of ${rounds}`);
    const ms = await measureOnce(one, context.quick ? quickNodes : wholeNodes, probeMs);
    if (round > 0) us.push(ms * 1_000);
  }
  const median = percentile(us, 0.5);
  const barUs = one.barMs && one.barMs(probeMs) * 1_000;
  return {
    workload: one.name,
    cells: [duration(median), range(us, duration), String(us.length)],
    figures: { medianUs: median, maxUs: Math.max(...us) },
    bars: barUs === undefined ? [] : [timeBar(`at most ${duration(barUs)}`, Math.max(...us) <= barUs)],
  };
}

async function measureOnce({ isNew = false, hangs = false, measure }: Case, nodes: number, probeMs: number): Promise<number> {
  const ports = openMemory({ exclusive: true, appliesOnAppend: true });
  await using fleet = await BenchFleet.open({ ports, nodes });
  const { store, engines } = fleet;
  await fleet.addNodes();
  const byAddress = new Map([...engines.values()].map((engine) => [engine.open().address, engine]));
  const open = async ({ address }: { readonly address: string }) => {
    const engine = byAddress.get(address);
    if (engine === undefined) throw new Error(`no engine at ${address}`);
    return engine.open();
  };
  const secrets = { resolve: (name: string) => Promise.reject(new Error(`no secret ${name}`)) };
  await using nodeEngines = new NodeEngines({ open, secrets, clock: systemClock });
  const common = { store, cells: ports.cells, engines: nodeEngines, clock: systemClock, ids: systemIds, logger: silentLogger };
  const healer = new NodeHealer({ ...common, policy: { probeMs } });
  if (!isNew) await healer.round();
  if (hangs) for (const [index, engine] of [...engines.values()].entries()) if (index % hangEvery === 0) engine.faults.set(hang);
  return await measure({ fleet, healer });
}

async function wholeRound({ healer }: Prepared): Promise<number> {
  const begun = performance.now();
  await healer.round();
  return performance.now() - begun;
}

async function untilOthersAreReady({ fleet: { store, engines }, healer }: Prepared): Promise<number> {
  const watch = await store.watch(...onAny(nodeKind));
  let left = engines.size - engines.size / hangEvery;
  const begun = performance.now();
  const round = healer.round();
  while (left > 0) {
    await watch.ready();
    for (let event = watch.take(); event !== undefined; event = watch.take()) if (event.type === "update") left -= 1;
  }
  const ms = performance.now() - begun;
  watch.close();
  await round;
  return ms;
}
