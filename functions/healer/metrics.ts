/**
 * What a round found, as CloudWatch's embedded metric format: a line in the log that becomes metrics, without a request. Each cluster's
 * lag is its own metric only while it lags: CloudWatch asks money for each that is there.
 */
import type { Healed } from "../../shared/state/derive/healer.ts";

export type MetricsPlace = { readonly namespace: string; readonly stack: string };

type Unit = "Seconds" | "Count";
type Metric = { readonly name: string; readonly unit: Unit; readonly value: number };
type Line = {
  readonly place: MetricsPlace;
  readonly now: number;
  readonly dimensions: Readonly<Record<string, string>>;
  readonly metrics: readonly Metric[];
};

const seconds = (name: string, value: number): Metric => ({ name, unit: "Seconds", value });
const count = (name: string, value: number): Metric => ({ name, unit: "Count", value });
/** Lines of one minute; the whole's line comes first. */
const clustersMax = 100;

export function metricLines({ lags, failures }: Healed, place: MetricsPlace, now: number): readonly string[] {
  const most = (value: (lag: Healed["lags"][number]) => number): number => Math.max(0, ...lags.map(value));
  const all = [
    seconds(
      "LagSeconds",
      most(({ ms }) => ms / 1_000),
    ),
    count(
      "LagEntries",
      most(({ entries }) => entries),
    ),
    count("LaggingClusters", lags.length),
    count("HealFailures", failures),
  ];
  const worst = lags.toSorted((one, other) => other.ms - one.ms).slice(0, clustersMax);
  return [
    line({ place, now, dimensions: {}, metrics: all }),
    ...worst.map(({ cluster = "(root)", ms, entries }) => {
      const metrics = [seconds("LagSeconds", ms / 1_000), count("LagEntries", entries)];
      return line({ place, now, dimensions: { Cluster: cluster }, metrics });
    }),
  ];
}

function line({ place: { namespace, stack }, now, dimensions, metrics }: Line): string {
  const named = { Stack: stack, ...dimensions };
  const directive = {
    Namespace: namespace,
    Dimensions: [Object.keys(named)],
    Metrics: metrics.map(({ name, unit }) => ({ Name: name, Unit: unit })),
  };
  const values = Object.fromEntries(metrics.map(({ name, value }) => [name, value]));
  return `${JSON.stringify({ _aws: { Timestamp: now, CloudWatchMetrics: [directive] }, ...named, ...values })}\n`;
}
