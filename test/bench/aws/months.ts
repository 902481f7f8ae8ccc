/**
 * A month's bill: the deployment while nothing happens, what each thing adds to it, and what the usual three servers or a managed control plane
 * cost beside it. What the template holds and what a round of the healer asks for are counted, and times a month.
 */

import { templateOf } from "../../cdk/synth.ts";
import { createTables } from "../../localstack/tables.ts";
import { factBar, type Group, type Row, whole } from "../report.ts";
import { nodeName, nodeOf } from "../store/open.ts";
import { dollars, money, nothing, type Usage } from "./bill.ts";
import { Deployment } from "./deployment.ts";
import { monthHours, monthMinutes, prices, region } from "./prices.ts";

const base = "/apis/windlass.dev/v1";
const daysOfMonth = monthHours / 24;
const serverDiskGigabytes = 20;
const fleet = { nodes: 20, writesADay: 1_000, readsADay: 10_000 } as const;
/** An entry's strip: its stub, and a hundredth of the reads and of the marker. */
const stripUsage: Usage = { ...nothing, readUnits: 0.25, writeUnits: 1.01 };
/** One eventually consistent read a second while nothing happens; begun anew every 15 minutes. */
const minuteOfWatch: Usage = {
  ...nothing,
  readUnits: 30,
  apiRequests: 1 / 15,
  invocations: [{ of: "api", ms: 60_000 }],
};
const heartbeatUsage: Usage = { ...nothing, writeUnits: 1 };

type Counted = {
  readonly round: Usage;
  /** The round of a day that also sweeps. */
  readonly sweep: Usage;
  readonly moreRound: Usage;
  readonly write: Usage;
  readonly read: Usage;
  readonly metrics: number;
  readonly alarms: number;
  readonly dashboards: number;
  readonly secrets: number;
};

const names = {
  idle: "the deployment, while nothing happens",
  cluster: "each further cluster, idle",
  heartbeat: "each node's heartbeat, one a minute",
  watch: "each watch that is always open",
  fleet: "a fleet: 20 nodes, 1,000 writes and 10,000 reads a day",
  small: "three servers for etcd or Consul, t4g.small",
  etcd: "three servers for etcd, m7g.large",
  eks: "a managed Kubernetes control plane, EKS",
} as const;
const parts = ["secret", "alarms", "dashboard", "metrics", "healer: invocations", "healer: DynamoDB", "logs"] as const;

export const monthsGroup: Group = {
  title: "a month's bill, on DynamoDB",
  workloads: [...Object.values(names), ...parts],
  async run(wanted, context) {
    const answer = await context.localStack();
    if ("missing" in answer) return { title: this.title, skipped: answer.missing };
    context.progress(this.title, "counting");
    const counted = await count(answer.endpoint);
    const rows = rowsOf(counted).filter(({ workload }) => wanted.has(workload));
    return { title: this.title, columns: ["counted", "a month"], rows, notes };
  },
};

const notes = [
  `Dollars in ${region}, on demand, without taxes; no free tier is counted. An account's first 10 alarms, 10 metrics, 3 dashboards, 5 GB of logs, million invocations and 25 GB in DynamoDB are free, which makes the idle deployment's bill its secret and its reads. Tables of a few MB, with backups, cost less than a cent. Servers: ${serverDiskGigabytes} GB of disk each; without their load balancer, transfer between zones, backups and whoever patches them.`,
];

async function count(endpoint: string): Promise<Counted> {
  const template = templateOf();
  const resources = (type: string): number => Object.keys(template.findResources(type)).length;
  const tables = await createTables(endpoint);
  const deployment = new Deployment(endpoint, tables.names);
  const during = async (act: () => Promise<unknown>): Promise<Usage> => {
    deployment.take();
    await act();
    return deployment.take();
  };
  const call = (method: string, path: string, body?: object) => deployment.call({ method, path: base + path, body });
  try {
    await deployment.install();
    await call("GET", "/nodes");
    await deployment.heal();
    await deployment.heal();
    const round = await during(() => deployment.heal());
    await call("POST", "/clusters", { apiVersion: "windlass.dev/v1", kind: "Cluster", metadata: { name: "more" } });
    await deployment.publish();
    await deployment.heal();
    const moreRound = await during(() => deployment.heal());
    await call("POST", "/nodes", { ...nodeOf(nodeName(0)) });
    await deployment.publish();
    const write = await during(async () => {
      await call("PATCH", `/nodes/${nodeName(0)}`, { metadata: { annotations: { change: "1" } } });
      await deployment.publish();
    });
    const read = await during(() => call("GET", `/nodes/${nodeName(0)}`));
    const sweep = await during(() => deployment.sweep());
    return {
      round,
      sweep,
      moreRound,
      write,
      read,
      metrics: deployment.metrics,
      alarms: resources("AWS::CloudWatch::Alarm"),
      dashboards: resources("AWS::CloudWatch::Dashboard"),
      secrets: resources("AWS::SecretsManager::Secret"),
    };
  } finally {
    await deployment.close();
    await tables.drop();
  }
}

function rowsOf(counted: Counted): Row[] {
  const { round, sweep, moreRound, write, read, metrics, alarms, dashboards, secrets } = counted;
  const rounds = monthMinutes - daysOfMonth;
  const inRounds = (usd: (usage: Usage) => number): number => usd(round) * rounds + usd(sweep) * daysOfMonth;
  const idle: readonly Row[] = [
    row("secret", `${secrets}`, secrets * prices.secret.usd),
    row("alarms", `${alarms}`, alarms * prices.alarm.usd),
    row("dashboard", `${dashboards}`, dashboards * prices.dashboard.usd),
    row("metrics", `${metrics}`, metrics * prices.customMetric.usd),
    row(
      "healer: invocations",
      `${whole(monthMinutes)} of ${round.invocations[0]?.ms ?? 0} ms`,
      inRounds((usage) => dollars({ ...nothing, invocations: usage.invocations })),
    ),
    row(
      "healer: DynamoDB",
      `${whole(inRounds(({ readUnits }) => readUnits))} read units, ${whole(inRounds(({ writeUnits }) => writeUnits))} write units`,
      inRounds(ofDynamo),
    ),
    row(
      "logs",
      `${whole(inRounds(({ logBytes }) => logBytes) / 1e6)} MB`,
      inRounds(({ logBytes }) => dollars({ ...nothing, logBytes })),
    ),
  ];
  const idleUsd = idle.reduce((sum, { figures }) => sum + (figures["monthUsd"] ?? 0), 0);
  const heartbeat = dollars(heartbeatUsage) * monthMinutes;
  const writes = fleet.writesADay * daysOfMonth * (dollars(write) + dollars(stripUsage));
  const reads = fleet.readsADay * daysOfMonth * dollars(read);
  const fleetUsd = idleUsd + fleet.nodes * heartbeat + writes + reads;
  const servers = (hour: number): number => 3 * (hour * monthHours + serverDiskGigabytes * prices.diskGigabyte.usd);
  const eks = prices.eksHour.usd * monthHours;
  return [
    row(names.idle, "the parts below", idleUsd, [
      factBar("less than a fifth of three small servers", idleUsd < servers(prices.t4gSmallHour.usd) / 5),
    ]),
    ...idle,
    row(
      names.cluster,
      `${short(moreRound.readUnits - round.readUnits)} read units a minute`,
      (ofDynamo(moreRound) - ofDynamo(round)) * monthMinutes,
    ),
    row(names.heartbeat, "1 write unit a minute", heartbeat),
    row(names.fleet, `heartbeats ${money(fleet.nodes * heartbeat)}, writes ${money(writes)}, reads ${money(reads)}`, fleetUsd, [
      factBar("less than three small servers", fleetUsd < servers(prices.t4gSmallHour.usd)),
    ]),
    row(names.watch, "an environment with 1,769 MB", dollars(minuteOfWatch) * monthMinutes),
    row(names.small, "2 shared cores, 2 GB each", servers(prices.t4gSmallHour.usd)),
    row(names.etcd, "2 cores, 8 GB each: etcd's advice for a small cluster", servers(prices.m7gLargeHour.usd)),
    row(names.eks, "", eks),
  ];
}

const ofDynamo = ({ readUnits, writeUnits }: Usage): number => dollars({ ...nothing, readUnits, writeUnits });

const short = (value: number): string => String(Math.round(value * 100) / 100);

const row = (workload: string, how: string, usd: number, bars: Row["bars"] = []): Row => ({
  workload,
  cells: [how, money(usd)],
  figures: { monthUsd: usd },
  bars,
});
