/** One page for one deployment: what is asked of it, how it answers, what lags, what is given up, and what it uses. */
import { Duration } from "aws-cdk-lib";
import {
  AlarmStatusWidget,
  Dashboard as CloudWatchDashboard,
  GraphWidget,
  type IMetric,
  Metric,
  Stats,
} from "aws-cdk-lib/aws-cloudwatch";
import type { Table } from "aws-cdk-lib/aws-dynamodb";
import type { Function as LambdaFunction } from "aws-cdk-lib/aws-lambda";
import { Construct } from "constructs";
import { type Alarms, lagMetric, throttledMetric } from "./alarms.ts";
import type { Api } from "./api.ts";
import type { Events } from "./events.ts";
import type { Fleets } from "./fleets.ts";
import type { Tables } from "./tables.ts";
import type { Workers } from "./workers.ts";

export type DashboardProps = {
  readonly api: Api;
  readonly fleets: Fleets;
  readonly workers: Workers;
  readonly events: Events;
  readonly tables: Tables;
  readonly alarms: Alarms;
};

const width = 8;
const wholeWidth = 24;
const minute = { period: Duration.minutes(1) };

export class Dashboard extends Construct {
  constructor(scope: Construct, id: string, { api, fleets, workers, events, tables, alarms }: DashboardProps) {
    super(scope, id);
    const { publisher, healer } = workers;
    const functions = [api.handler, publisher, healer, fleets.reconciler].map((handler) => handler.function);
    const board = new CloudWatchDashboard(this, "Board", { defaultInterval: Duration.hours(3) });
    board.addWidgets(new AlarmStatusWidget({ title: "Alarms", alarms: [...alarms.alarms], width: wholeWidth, height: 3 }));
    board.addWidgets(
      graph("Requests", api.rest.metricCount(minute), api.rest.metricClientError(minute), api.rest.metricServerError(minute)),
      graph("Time to answer (ms)", ...["p50", "p99"].map((statistic) => api.rest.metricLatency({ ...minute, statistic }))),
      graph("Environments in use", ...functions.map(concurrency)),
    );
    board.addWidgets(
      graph("Lag of the cluster furthest behind", lagMetric(this, "LagSeconds"), lagMetric(this, "LagEntries")),
      graph("Age of wake-ups (ms)", publisher.function.metric("IteratorAge", { ...minute, statistic: Stats.MAXIMUM })),
      graph("Dead letters", ...[workers, fleets].map((one) => one.deadLetters.metricApproximateNumberOfMessagesVisible(minute))),
    );
    board.addWidgets(
      graph("Invocations", ...functions.map((one) => one.metricInvocations(minute))),
      graph("Errors and throttles", ...functions.flatMap((one) => [one.metricErrors(minute), one.metricThrottles(minute)])),
      graph("Events matched by rules", busMetric(events, "MatchedEvents"), busMetric(events, "FailedInvocations")),
    );
    board.addWidgets(
      graph("Log: units used", ...unitsOf(tables.log)),
      graph("Objects: units used", ...unitsOf(tables.objects)),
      graph("Throttled by DynamoDB", ...[tables.log, tables.objects].flatMap(throttlesOf)),
    );
  }
}

const graph = (title: string, ...left: readonly IMetric[]): GraphWidget => new GraphWidget({ title, left: [...left], width });

const concurrency = (one: LambdaFunction): Metric => one.metric("ConcurrentExecutions", { ...minute, statistic: Stats.MAXIMUM });

const busMetric = ({ bus }: Events, metricName: string): Metric =>
  new Metric({
    ...minute,
    namespace: "AWS/Events",
    metricName,
    dimensionsMap: { EventBusName: bus.eventBusName },
    statistic: Stats.SUM,
  });

const unitsOf = (table: Table): readonly Metric[] => [
  table.metricConsumedReadCapacityUnits(minute),
  table.metricConsumedWriteCapacityUnits(minute),
];

const throttlesOf = (table: Table): readonly Metric[] => [throttledMetric(table, "Read"), throttledMetric(table, "Write")];
