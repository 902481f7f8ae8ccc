/** What an operation used, measured, and told as a row: requests and units as the clients sent them, and what a million of them cost. */
import { type Bar, type Row, whole } from "../report.ts";
import { dollars, money, type Usage } from "./bill.ts";
import type { Deployment } from "./deployment.ts";
import type { Operation } from "./operation-list.ts";

export const columns = [
  "DynamoDB requests",
  "read units",
  "write units",
  "invocations",
  "events",
  "API requests",
  "SQS requests",
  "a million",
] as const;

/** The dearest of some runs, but for how long its functions lasted: there the middle one. */
export async function measured(shared: Deployment, operation: Operation, times: number): Promise<Measured> {
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

export function rowOf(workload: string, { usage, bars }: Measured): Row {
  const { requests, readUnits, writeUnits, apiRequests, events, queueRequests, invocations } = usage;
  const { bytesOut, eventBytes, streamRecords, logBytes } = usage;
  const million = dollars(usage) * 1e6;
  const figures = {
    requests,
    readUnits,
    writeUnits,
    apiRequests,
    events,
    eventBytes,
    queueRequests,
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
      String(queueRequests),
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
