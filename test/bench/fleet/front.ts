/** The Docker API over a fleet of 1,000 nodes and 30,000 containers, as its clients meet it, while all of the fleet's loops work. */
import { type Bar, type Context, duration, type Group, type Row, timeBar, whole } from "../report.ts";
import type { Loaded } from "./client.ts";
import { percentile } from "./percentile.ts";
import { type Served, startServed } from "./served.ts";

type Case = {
  readonly name: string;
  /** `:id` stands for a container's. */
  readonly path: string;
  readonly what?: "get" | "run";
  readonly requests: number;
  /** Absent: 1. */
  readonly clients?: number;
  /** Containers that change their state meanwhile. */
  readonly changesPerSecond?: number;
  /** Also the very first counts. */
  readonly isCold?: boolean;
  readonly barUs?: { readonly p50: number; readonly p99: number };
};

/** Classic Swarm's, as published of one manager of 4 CPUs over 1,000 nodes and 30,000 containers. */
const swarmApi = { p50: 150_000, p99: 360_000 };
const swarmRun = { p50: 230_000, p99: 400_000 };
const filtered = (filters: object): string => `/v1.41/containers/json?filters=${encodeURIComponent(JSON.stringify(filters))}`;

const ps = { path: "/v1.41/containers/json", requests: 200, barUs: swarmApi };
const cases: readonly Case[] = [
  { name: "docker ps, the first", path: ps.path, requests: 1, isCold: true },
  { name: "docker ps", ...ps },
  { name: "docker ps -a", ...ps, path: `${ps.path}?all=1` },
  { name: "docker ps, two clients at once", ...ps, clients: 2 },
  { name: "docker ps, 50 containers a second change", ...ps, changesPerSecond: 50 },
  { name: "docker ps -n 100", ...ps, path: `${ps.path}?limit=100` },
  { name: "docker ps of one node", ...ps, path: filtered({ node: ["node-1"] }) },
  { name: "docker ps by a label", ...ps, path: filtered({ label: ["com.example.app=service-1"] }) },
  { name: "docker info", ...ps, path: "/v1.41/info", requests: 500 },
  { name: "docker inspect", ...ps, path: "/v1.41/containers/:id/json", requests: 500 },
  { name: "docker run -d", path: "", what: "run", requests: 200, barUs: swarmRun },
  {
    name: "docker run -d, 50 containers a second change",
    path: "",
    what: "run",
    requests: 200,
    changesPerSecond: 50,
    barUs: swarmRun,
  },
];
const quickRequests = 3;

export const frontGroup: Group = {
  title: "Docker API: 1,000 nodes, 30,000 containers",
  workloads: cases.map(({ name }) => name),
  async run(wanted, context) {
    const served = await startServed(context, this.title);
    try {
      const rows: Row[] = [];
      for (const one of cases) if (wanted.has(one.name)) rows.push(await measured(one, served, context));
      return {
        title: this.title,
        columns: ["p50", "p99", "answer", "requests"],
        rows,
        notes: [
          "Over HTTP, each client in a process of its own and with one connection, times to the answer's last byte; beside it all loops of the embedded host work (healer, agents, reconciler), on SQLite. The engines are simulated in the server's process and answer at once.",
          "Bars are classic Swarm's, as published for its API and for docker run with one manager over 1,000 nodes and 30,000 containers. The first list makes the rows' texts, which later ones share. docker run -d: create and start, with their commits.",
        ],
      };
    } finally {
      await served.stop();
    }
  },
};

async function measured(one: Case, served: Served, context: Context): Promise<Row> {
  const { name, what = "get", path, clients = 1, changesPerSecond = 0, isCold = false } = one;
  context.progress(name, "asking");
  const requests = context.quick ? Math.min(quickRequests, one.requests) : one.requests;
  const load = { what, path: path.replace(":id", served.containerId), requests, isWarm: !isCold };
  await served.ask({ ask: "churn", perSecond: changesPerSecond });
  try {
    return row(one, await Promise.all(Array.from({ length: clients }, () => served.load(load))));
  } finally {
    await served.ask({ ask: "churn", perSecond: 0 });
  }
}

function row({ name, barUs }: Case, loaded: readonly Loaded[]): Row {
  const us = loaded.flatMap((one) => one.us);
  const [p50, p99] = [percentile(us, 0.5), percentile(us, 0.99)];
  const bytes = loaded[0]?.bytes ?? 0;
  const bars: Bar[] =
    barUs === undefined ? [] : [timeBar(`${duration(barUs.p50)}, ${duration(barUs.p99)}`, p50 <= barUs.p50 && p99 <= barUs.p99)];
  return {
    workload: name,
    cells: [duration(p50), us.length < 100 ? "" : duration(p99), `${whole(bytes)} bytes`, whole(us.length)],
    figures: { p50Us: p50, p99Us: p99, bytes, requests: us.length },
    bars,
  };
}
