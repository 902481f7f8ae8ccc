/**
 * What one operation asks of AWS, and what a million of them cost: requests and units as the clients sent them, to their end: rows, events
 * and the strip a week later included. The counts are facts; durations are this machine's and a round trip's.
 */
import { createTables } from "../../localstack/tables.ts";
import { type Bar, factBar, type Group, type Row, whole } from "../report.ts";
import { dollars, money, type Usage } from "./bill.ts";
import { Deployment } from "./deployment.ts";
import { fill, largeNodes, largeNodesQuick, type Operation, operations } from "./operation-list.ts";

const timesEach = 5;

export const operationsGroup: Group = {
  title: "what an operation asks for and costs, on DynamoDB",
  workloads: Object.keys(operations),
  async run(wanted, context) {
    const answer = await context.localStack();
    if ("missing" in answer) return { title: this.title, skipped: answer.missing };
    const tables = await createTables(answer.endpoint);
    const deployment = new Deployment(answer.endpoint, tables.names);
    try {
      const large = context.quick ? largeNodesQuick : largeNodes;
      const needsLarge = [...wanted].some((name) => name.includes("10,000"));
      context.progress(this.title, "filling");
      await fill(deployment, needsLarge ? large : 0);
      const world = { deployment, endpoint: answer.endpoint, names: tables.names, large, quick: context.quick };
      const rows: Row[] = [];
      for (const [name, make] of Object.entries(operations)) {
        if (!wanted.has(name)) continue;
        context.progress(name, "counting");
        rows.push(rowOf(name, await measured(deployment, make(world), context.quick ? 1 : timesEach)));
      }
      return { title: this.title, columns, rows: [...rows, agreement(deployment)], notes };
    } finally {
      await deployment.close();
      await tables.drop();
    }
  },
};

const columns = ["DynamoDB requests", "read units", "write units", "invocations", "events", "API requests", "a million"];
const notes = [
  "One of each, with little else to do: each entry wakes a publisher of its own (a batch of wake-ups shares what is not a row or an event). Duration: the function's own work here, scaled to its memory, and 7.5 ms for each time it waits for AWS, told and charged as the next class above. A million: dollars in us-east-1 on arm64, with API Gateway, logs, the event archive and what is sent to the internet. Lambda's stream reads (one record a commit; four polls a second and shard) are free.",
];

/** The dearest of some runs, but for how long its functions lasted: there the middle one. */
async function measured(shared: Deployment, operation: Operation, times: number): Promise<Measured> {
  const { prepare, run, count = 1, on = shared } = operation;
  const usages: Usage[] = [];
  const isShared = on === shared;
  // The first of what is repeated only warms up.
  for (let done = isShared ? -1 : 0; done < (isShared ? times : 1); done += 1) {
    await prepare?.();
    on.take();
    await run();
    const usage = on.take();
    if (done >= 0) usages.push(usage);
  }
  const dearest = usages.toSorted((one, other) => other.requests - one.requests || other.writeUnits - one.writeUnits)[0] as Usage;
  const middle = usages.toSorted((one, other) => msOf(one) - msOf(other))[Math.floor(usages.length / 2)] as Usage;
  const usage = shareOf({ ...dearest, invocations: middle.invocations }, count);
  return { usage, bars: operation.bars(usage) };
}

type Measured = { readonly usage: Usage; readonly bars: readonly Bar[] };

const msOf = ({ invocations }: Usage): number => invocations.reduce((sum, { ms }) => sum + ms, 0);

const shareOf = (usage: Usage, count: number): Usage =>
  count === 1
    ? usage
    : { ...usage, requests: usage.requests / count, readUnits: usage.readUnits / count, writeUnits: usage.writeUnits / count };

function rowOf(workload: string, { usage, bars }: Measured): Row {
  const { requests, readUnits, writeUnits, apiRequests, events, invocations, bytesOut, eventBytes, streamRecords, logBytes } =
    usage;
  const million = dollars(usage) * 1e6;
  const figures = {
    requests,
    readUnits,
    writeUnits,
    apiRequests,
    events,
    eventBytes,
    streamRecords,
    bytesOut,
    logBytes,
    millionUsd: million,
    invocations: invocations.length,
    ms: msOf(usage),
  };
  return {
    workload,
    cells: [
      requestsText(usage),
      short(readUnits),
      short(writeUnits),
      invocationsText(usage),
      String(events),
      String(apiRequests),
      money(million),
    ],
    figures,
    bars,
  };
}

const short = (value: number): string => String(Math.round(value * 100) / 100);

/** `5: 2 Query, 3 PutItem`; of one that is not alone in its requests only their share. */
function requestsText({ requests, byOperation }: Usage): string {
  const parts = Object.entries(byOperation).map(([name, count]) => `${count} ${name}`);
  return Number.isInteger(requests) && parts.length > 0 ? `${requests}: ${parts.join(", ")}` : short(requests);
}

/** `api 20 ms, publisher 50 ms`; of many: `20 api of 10 ms or less`. */
function invocationsText({ invocations }: Usage): string {
  const byFunction = Map.groupBy(invocations, ({ of }) => of);
  const parts = [...byFunction].map(([of, list]) => {
    const most = whole(Math.max(...list.map(({ ms }) => ms)));
    return list.length === 1 ? `${of} ${most} ms` : `${list.length} ${of}, up to ${most} ms`;
  });
  return parts.length === 0 ? "0" : parts.join(", ");
}

/** Whether DynamoDB Local's own figures, where it gives some, are ours. */
function agreement({ meter: { differences } }: Deployment): Row {
  const [first = "none"] = differences;
  return {
    workload: "differences from the server's figures",
    cells: [first, ...columns.slice(1).map(() => "")],
    figures: { differences: differences.length },
    bars: [factBar("none", differences.length === 0)],
  };
}
