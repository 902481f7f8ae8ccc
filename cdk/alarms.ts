/**
 * What somebody should look at, as alarms: the lag behind the log, dead letters, errors, throttles. Twelve metrics in all: ten are
 * free of charge in an account; each more is ten cents a month.
 */
import { Duration, Stack } from "aws-cdk-lib";
import { Alarm, ComparisonOperator, type IMetric, Metric, Stats, TreatMissingData } from "aws-cdk-lib/aws-cloudwatch";
import { SnsAction } from "aws-cdk-lib/aws-cloudwatch-actions";
import type { Table } from "aws-cdk-lib/aws-dynamodb";
import type { ITopic } from "aws-cdk-lib/aws-sns";
import { Construct } from "constructs";
import type { Api } from "./api.ts";
import type { Fleets } from "./fleets.ts";
import type { Tables } from "./tables.ts";
import { metricsNamespace, type Workers } from "./workers.ts";

export type AlarmsProps = {
  readonly api: Api;
  readonly fleets: Fleets;
  readonly workers: Workers;
  readonly tables: Tables;
  /** Is told when one goes off and when it is over. Absent: they are only seen. */
  readonly topic?: ITopic | undefined;
};

type Rule = {
  readonly id: string;
  readonly about: string;
  readonly metric: IMetric;
  readonly threshold: number;
  /** Periods in a row. */
  readonly periods: number;
};

const minute = Duration.minutes(1);
const fiveMinutes = Duration.minutes(5);
/** The healer looks each minute: what lags longer than this was not repaired by it. */
const lagSecondsMax = 300;
/** A wake-up that waits so long is tried in vain, or there is no environment for it. */
const wakeMsMax = 120_000;
const failedAnswersMax = 5;

export class Alarms extends Construct {
  readonly alarms: readonly Alarm[];

  constructor(scope: Construct, id: string, { topic, ...parts }: AlarmsProps) {
    super(scope, id);
    this.alarms = [...stateRules(this, parts), ...functionRules(parts), ...tableRules(parts.tables)].map(
      ({ id, about, metric, threshold, periods }) =>
        new Alarm(this, id, {
          alarmDescription: about,
          metric,
          threshold,
          evaluationPeriods: periods,
          comparisonOperator: ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
          // No number: nothing happened.
          treatMissingData: TreatMissingData.NOT_BREACHING,
        }),
    );
    if (topic === undefined) return;
    for (const alarm of this.alarms) {
      alarm.addAlarmAction(new SnsAction(topic));
      alarm.addOkAction(new SnsAction(topic));
    }
  }
}

/** How far the rows and events of the cluster that is furthest behind lag, as the healer publishes it each minute. */
export const lagMetric = (scope: Construct, metricName: "LagSeconds" | "LagEntries"): Metric =>
  new Metric({
    namespace: metricsNamespace,
    metricName,
    dimensionsMap: { Stack: Stack.of(scope).stackName },
    statistic: Stats.MAXIMUM,
    period: minute,
  });

/** Requests that DynamoDB refused for too many at once, on one partition mostly. */
export const throttledMetric = (table: Table, kind: "Read" | "Write"): Metric =>
  table.metric(`${kind}ThrottleEvents`, { statistic: Stats.SUM, period: fiveMinutes });

type Parts = Omit<AlarmsProps, "topic">;

function stateRules(scope: Construct, { fleets, workers }: Parts): readonly Rule[] {
  return [
    {
      id: "Lag",
      about: "Rows or events of a cluster are behind its log, and the healer does not bring them forward",
      metric: lagMetric(scope, "LagSeconds"),
      threshold: lagSecondsMax,
      periods: 3,
    },
    {
      id: "WakeUps",
      about: "Wake-ups of the publisher wait in the Log table's stream",
      metric: workers.publisher.function.metric("IteratorAge", { statistic: Stats.MAXIMUM, period: minute }),
      threshold: wakeMsMax,
      periods: 3,
    },
    {
      id: "DeadLetters",
      about: "Wake-ups were given up after all their tries",
      metric: workers.deadLetters.metricApproximateNumberOfMessagesVisible({ statistic: Stats.MAXIMUM, period: fiveMinutes }),
      threshold: 1,
      periods: 1,
    },
    {
      id: "FleetDeadLetters",
      about: "A cluster's fleet could not be looked after, in all of its tries",
      metric: fleets.deadLetters.metricApproximateNumberOfMessagesVisible({ statistic: Stats.MAXIMUM, period: fiveMinutes }),
      threshold: 1,
      periods: 1,
    },
  ];
}

function functionRules({ api, fleets: { reconciler }, workers: { publisher, healer } }: Parts): readonly Rule[] {
  const often = { period: fiveMinutes, statistic: Stats.SUM };
  const rule = (id: string, about: string, metric: IMetric, threshold = 1): Rule => ({
    id,
    about,
    metric,
    threshold,
    periods: 1,
  });
  return [
    rule("ApiErrors", "Requests were answered with 5xx", api.rest.metricServerError(often), failedAnswersMax),
    rule(
      "ApiThrottles",
      "Requests found no environment: the account's concurrency is used up",
      api.handler.function.metricThrottles(often),
    ),
    rule("PublisherErrors", "The publisher failed", publisher.function.metricErrors(often)),
    rule("PublisherThrottles", "The publisher found no environment", publisher.function.metricThrottles(often)),
    rule("HealerErrors", "The healer failed", healer.function.metricErrors(often)),
    rule("ReconcilerErrors", "The reconciler failed", reconciler.function.metricErrors(often)),
  ];
}

function tableRules({ log, objects }: Tables): readonly Rule[] {
  const rule = (id: string, table: Table): Rule => ({
    id,
    about: "DynamoDB refused writes for too many at once",
    metric: throttledMetric(table, "Write"),
    threshold: 1,
    periods: 2,
  });
  return [rule("LogThrottles", log), rule("ObjectsThrottles", objects)];
}
