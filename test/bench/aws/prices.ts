/**
 * What AWS asks, in US dollars: us-east-1, Linux, on demand, first tier, without taxes. No free tier is taken off; what it would cover is
 * named where a bill is told. AWS draws its price lists by script, so where a page of its own says no number, another that gives AWS' list is named.
 */
export type Price = {
  readonly usd: number;
  readonly per: string;
  /** The day that the source speaks of. */
  readonly date: string;
  readonly source: string;
};

export const region = "us-east-1";
/** AWS' own month: 365 days of 24 hours, by twelve. */
export const monthHours = 730;
export const monthMinutes = monthHours * 60;

const dynamodb = { date: "2024-11-01", source: "https://airbyte.com/data-engineering-resources/dynamodb-pricing" } as const;
const lambda = { date: "2024-06-01", source: "https://cloudchipr.com/blog/aws-lambda-pricing" } as const;
const eventBridge = {
  date: "2026-06-13",
  source: "https://www.factualminds.com/blog/amazon-eventbridge-pricing-events-pipes-schema-archive/",
} as const;
const cloudWatch = {
  date: "2026-06-13",
  source: "https://www.factualminds.com/blog/amazon-cloudwatch-pricing-metrics-logs-alarms-dashboards/",
} as const;
const gateway = {
  date: "2025-05-19",
  source:
    "https://docs.aws.amazon.com/whitepapers/latest/best-practices-api-gateway-private-apis-integration/cost-optimization.html",
} as const;
const servers = { date: "2026-09-16", source: "https://aws.amazon.com/ec2/pricing/on-demand/" } as const;

export const prices = {
  writeUnit: { usd: 0.625e-6, per: "DynamoDB write request unit", ...dynamodb },
  readUnit: { usd: 0.125e-6, per: "DynamoDB read request unit", ...dynamodb },
  /** Lambda's own reading of a DynamoDB stream is not charged. */
  streamRead: {
    usd: 0,
    per: "stream read by Lambda",
    date: "2024-11-01",
    source: "https://aws.amazon.com/dynamodb/pricing/on-demand/",
  },
  invocation: { usd: 0.2e-6, per: "Lambda request", ...lambda },
  gigabyteSecond: { usd: 13.3334e-6, per: "Lambda GB-second on arm64", ...lambda },
  apiRequest: { usd: 3.5e-6, per: "API Gateway REST request", ...gateway },
  gigabyteOut: {
    usd: 0.09,
    per: "GB sent to the internet",
    date: "2025-05-19",
    source: "https://awsforengineers.com/blog/aws-api-gateway-pricing-explained",
  },
  event: { usd: 1e-6, per: "EventBridge event, each 64 KB", ...eventBridge },
  archivedGigabyte: { usd: 0.1, per: "GB taken into an EventBridge archive", ...eventBridge },
  logGigabyte: { usd: 0.5, per: "GB taken into CloudWatch Logs", ...cloudWatch },
  queueRequest: {
    usd: 0.4e-6,
    per: "SQS request on a standard queue, each 64 KB",
    date: "2026-03-14",
    source: "https://cloudburn.io/blog/amazon-sqs-pricing",
  },
  customMetric: {
    usd: 0.3,
    per: "CloudWatch metric of one's own, a month",
    date: "2026-02-15",
    source: "https://signoz.io/guides/cloudwatch-pricing",
  },
  alarm: { usd: 0.1, per: "CloudWatch alarm, a month", date: "2026-06-13", source: "https://aws.amazon.com/cloudwatch/pricing/" },
  dashboard: { usd: 3, per: "CloudWatch dashboard, a month", ...cloudWatch },
  secret: {
    usd: 0.4,
    per: "secret in Secrets Manager, a month",
    date: "2026-04-13",
    source: "https://hivebook.wiki/wiki/aws-secrets-manager-rotated-secrets-dynamic-db-credentials-kms",
  },
  eksHour: {
    usd: 0.1,
    per: "hour of an EKS cluster's control plane",
    date: "2026-04-01",
    source: "https://cloudburn.io/blog/amazon-eks-pricing",
  },
  t4gSmallHour: { usd: 0.0168, per: "hour of a t4g.small: 2 shared cores, 2 GB", ...servers },
  m7gLargeHour: {
    usd: 0.0816,
    per: "hour of an m7g.large: 2 cores, 8 GB",
    date: "2026-06-17",
    source: "https://www.factualminds.com/blog/amazon-ec2-on-demand-pricing-instance-families-2026/",
  },
  diskGigabyte: {
    usd: 0.08,
    per: "GB of a gp3 volume, a month",
    date: "2026-01-01",
    source: "https://aws.amazon.com/ebs/pricing/",
  },
} as const satisfies Readonly<Record<string, Price>>;

/** What Lambda asks of a queue that wakes a function while nothing is in it: charged as requests, too. */
export const queuePolls = {
  /** Batches read at once "when traffic is low"; fewer only where no maximum concurrency is set. */
  pollers: 5,
  pollersAtLeast: 2,
  pollersSource: "https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-scaling.html",
  /** SQS' longest long poll. Measured by others: 15 empty receives a minute of five pollers. */
  pollSeconds: 20,
  pollDate: "2021-11-09",
  pollSource: "https://github.com/getlift/lift/issues/132",
} as const;
