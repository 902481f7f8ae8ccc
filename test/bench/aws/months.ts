/**
 * A month's bill: the deployment while nothing happens, what each thing adds to it, and what the usual three servers or a managed control plane
 * cost beside it. What the template holds and what each minute asks for are counted, and times a month.
 */
import { defaultHealerPolicy } from "../../../shared/fleet/nodes/policy.ts";
import { factBar, type Group, type Row, whole } from "../report.ts";
import { dollars, money, nothing, type Usage } from "./bill.ts";
import { type Counted, count } from "./month-counts.ts";
import { monthHours, monthMinutes, prices, queuePolls, region } from "./prices.ts";

const daysOfMonth = monthHours / 24;
const serverDiskGigabytes = 20;
const fleet = { writesADay: 1_000, readsADay: 10_000 } as const;
/** An entry's strip: its stub, and a hundredth of the reads and of the marker. */
const stripUsage: Usage = { ...nothing, readUnits: 0.25, writeUnits: 1.01 };
/** One eventually consistent read a second while nothing happens; begun anew every 15 minutes. */
const minuteOfWatch: Usage = {
  ...nothing,
  readUnits: 30,
  apiRequests: 1 / 15,
  invocations: [{ of: "api", ms: 60_000 }],
};
const { probeMs, downPingMs, patientEveryMs, patientMs } = defaultHealerPolicy;
/** How much longer a round lasts that waits for a node in vain, of all that do. */
const hangMs = downPingMs + (probeMs - downPingMs) * (patientMs / patientEveryMs);
const hangUsage: Usage = { ...nothing, invocations: [{ of: "reconciler", ms: hangMs }] };

const names = {
  idle: "the deployment, while nothing happens",
  cluster: "each further cluster, idle",
  watch: "each watch that is always open",
  fleet: "a fleet: 20 nodes, 1,000 writes and 10,000 reads a day",
  hang: "as long as a node is down: its host is off, or it hangs",
  small: "three servers for etcd or Consul, t4g.small",
  etcd: "three servers for etcd, m7g.large",
  eks: "a managed Kubernetes control plane, EKS",
} as const;
const parts = {
  secret: "secret",
  alarms: "alarms",
  dashboard: "dashboard",
  metrics: "metrics",
  invocations: "healer: invocations",
  dynamo: "healer: DynamoDB",
  polls: "reconciler: polls of its empty queue",
  logs: "logs",
} as const;
const fleetParts = {
  rounds: "of a fleet: a round of the reconciler a minute",
  writes: "of a fleet: writes, each with the round that it wakes",
  reads: "of a fleet: reads",
} as const;

export const monthsGroup: Group = {
  title: "a month's bill, on DynamoDB",
  workloads: [names, parts, fleetParts].flatMap((some) => Object.values(some)),
  async run(wanted, context) {
    const answer = await context.localStack();
    if ("missing" in answer) return { title: this.title, skipped: answer.missing };
    context.progress(this.title, "counting");
    const counted = await count(answer.endpoint);
    const rows = rowsOf(counted).filter(({ workload }) => wanted.has(workload));
    return { title: this.title, columns: ["counted", "a month"], rows, notes: notes(counted) };
  },
};

const notes = (counted: Counted): readonly string[] => [
  `Dollars in ${region}, on demand, without taxes; no free tier is counted. An account's first 10 alarms, 10 metrics, 3 dashboards, 5 GB of logs, million invocations, million requests to SQS and 25 GB in DynamoDB are free, which makes the idle deployment's bill its secret and its reads. Tables of a few MB, with backups, cost less than a cent. Servers: ${serverDiskGigabytes} GB of disk each; without their load balancer, transfer between zones, backups and whoever patches them.`,
  `Lambda asks an empty queue for messages ${counted.polls} times a minute, by several long polls of ${queuePolls.pollSeconds} s at once (${queuePolls.pollersSource}). ${counted.queues - 1} queues of dead letters, ${counted.logGroups} groups of logs and the rules cost nothing but for what comes into them. A round of a fleet in which every engine answers: with a VPC, its endpoints or NAT come on top.`,
];

function rowsOf(counted: Counted): Row[] {
  const { moreRound, round } = counted;
  const idle = idleRows(counted);
  const fleetRows = fleetRowsOf(counted);
  const idleUsd = sumOf(idle);
  const fleetUsd = idleUsd + sumOf(fleetRows);
  const small = servers(prices.t4gSmallHour.usd);
  return [
    row(names.idle, "the parts below", idleUsd, [factBar("less than a fifth of three small servers", idleUsd < small / 5)]),
    ...idle,
    row(
      names.cluster,
      `${short(moreRound.readUnits - round.readUnits)} read units a minute`,
      (ofDynamo(moreRound) - ofDynamo(round)) * monthMinutes,
    ),
    row(names.fleet, "the deployment, and the parts below", fleetUsd, [
      factBar("less than three small servers", fleetUsd < small),
    ]),
    ...fleetRows,
    row(
      names.hang,
      `${patientEveryMs / patientMs} rounds last ${(hangMs / 1_000) * (patientEveryMs / patientMs)} s longer`,
      dollars(hangUsage) * monthMinutes,
    ),
    row(names.watch, "an environment with 1,769 MB", dollars(minuteOfWatch) * monthMinutes),
    row(names.small, "2 shared cores, 2 GB each", small),
    row(names.etcd, "2 cores, 8 GB each: etcd's advice for a small cluster", servers(prices.m7gLargeHour.usd)),
    row(names.eks, "", prices.eksHour.usd * monthHours),
  ];
}

function idleRows({ round, sweep, metrics, alarms, dashboards, secrets, polls }: Counted): readonly Row[] {
  const rounds = monthMinutes - daysOfMonth;
  const inRounds = (figure: (usage: Usage) => number): number => figure(round) * rounds + figure(sweep) * daysOfMonth;
  const pollsOfMonth = polls * monthMinutes;
  return [
    row(parts.secret, `${secrets}`, secrets * prices.secret.usd),
    row(parts.alarms, `${alarms}`, alarms * prices.alarm.usd),
    row(parts.dashboard, `${dashboards}`, dashboards * prices.dashboard.usd),
    row(parts.metrics, `${metrics}`, metrics * prices.customMetric.usd),
    row(
      parts.invocations,
      `${whole(monthMinutes)} of ${round.invocations[0]?.ms ?? 0} ms`,
      inRounds(({ invocations }) => dollars({ ...nothing, invocations })),
    ),
    row(
      parts.dynamo,
      `${whole(inRounds(({ readUnits }) => readUnits))} read units, ${whole(inRounds(({ writeUnits }) => writeUnits))} write units`,
      inRounds(ofDynamo),
    ),
    row(parts.polls, `${whole(pollsOfMonth)} requests`, pollsOfMonth * prices.queueRequest.usd, [
      factBar("nothing else is asked of SQS", round.queueRequests === 0),
    ]),
    row(
      parts.logs,
      `${whole(inRounds(({ logBytes }) => logBytes) / 1e6)} MB`,
      inRounds(({ logBytes }) => dollars({ ...nothing, logBytes })),
    ),
  ];
}

function fleetRowsOf({ fleetRound, fleetWrite, read }: Counted): readonly Row[] {
  const { invocations, readUnits, writeUnits, queueRequests } = fleetRound;
  const [writes, reads] = [fleet.writesADay * daysOfMonth, fleet.readsADay * daysOfMonth];
  const of = `${invocations[0]?.ms ?? 0} ms, ${short(readUnits)} read and ${writeUnits} write units, ${queueRequests} SQS requests`;
  return [
    row(fleetParts.rounds, `${whole(monthMinutes)} of ${of}`, dollars(fleetRound) * monthMinutes),
    row(fleetParts.writes, `${whole(writes)}`, writes * (dollars(fleetWrite) + dollars(stripUsage))),
    row(fleetParts.reads, `${whole(reads)}`, reads * dollars(read)),
  ];
}

const servers = (hour: number): number => 3 * (hour * monthHours + serverDiskGigabytes * prices.diskGigabyte.usd);

const sumOf = (rows: readonly Row[]): number => rows.reduce((sum, { figures }) => sum + (figures["monthUsd"] ?? 0), 0);

const ofDynamo = ({ readUnits, writeUnits }: Usage): number => dollars({ ...nothing, readUnits, writeUnits });

const short = (value: number): string => String(Math.round(value * 100) / 100);

const row = (workload: string, how: string, usd: number, bars: Row["bars"] = []): Row => ({
  workload,
  cells: [how, money(usd)],
  figures: { monthUsd: usd },
  bars,
});
