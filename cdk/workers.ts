/**
 * What works behind the API: the publisher, woken by the Log table's stream, and the healer, woken each minute. A stream record is a
 * wake-up only, so one that is given up after its tries loses nothing: it is told in the dead letters, and the healer repairs.
 */
import { Duration, Validations } from "aws-cdk-lib";
import { Rule, Schedule } from "aws-cdk-lib/aws-events";
import { LambdaFunction as FunctionTarget } from "aws-cdk-lib/aws-events-targets";
import { EventSourceMapping, FilterCriteria, FilterRule, StartingPosition } from "aws-cdk-lib/aws-lambda";
import { SqsDlq } from "aws-cdk-lib/aws-lambda-event-sources";
import { Queue, QueueEncryption } from "aws-cdk-lib/aws-sqs";
import { Construct } from "constructs";
import type { Events } from "./events.ts";
import type { Fleets } from "./fleets.ts";
import { Handler, type HandlerSettings } from "./handler.ts";

export const metricsNamespace = "Windlass";

/**
 * Reserved so that watches, which hold an environment each, can't take the last one of the account: a publisher without one would
 * let the lag grow until writes are refused. The stream has a few shards, each served by one invocation at a time.
 */
const publisherConcurrency = 10;
/** A second round beside one that takes its time would do the same work. */
const healerConcurrency = 1;

const publisherSeconds = 120;
const healerSeconds = 60;
/** With one record a cluster's commit, a hundred wake-ups are read at a time; more only makes what is retried larger. */
const batchRecords = 100;
const streamTries = 5;
/** What waits longer in the stream is the healer's: it looks at the log, not at records. */
const recordHoursMax = 6;
const deadLetterDays = 14;

export type WorkersProps = {
  readonly settings: HandlerSettings;
  readonly events: Events;
  readonly fleets: Fleets;
  readonly reserveConcurrency: boolean;
};

export class Workers extends Construct {
  readonly publisher: Handler;
  readonly healer: Handler;
  readonly deadLetters: Queue;
  readonly schedule: Rule;

  constructor(scope: Construct, id: string, { settings, events, fleets, reserveConcurrency }: WorkersProps) {
    super(scope, id);
    const environment = { WINDLASS_BUS: events.bus.eventBusName, WINDLASS_METRICS_NAMESPACE: metricsNamespace };
    const reserved = (environments: number) => (reserveConcurrency ? environments : undefined);
    this.publisher = new Handler(this, "Publisher", {
      settings,
      name: "publisher",
      description: "Brings rows and events up to the log",
      environment,
      memoryMb: 1_024,
      timeoutSeconds: publisherSeconds,
      reservedConcurrency: reserved(publisherConcurrency),
    });
    this.healer = new Handler(this, "Healer", {
      settings,
      name: "healer",
      description: "Wakes fleets, repairs what the publisher left, strips old entries, measures the lag",
      environment: { ...environment, WINDLASS_FLEET_QUEUE: fleets.queue.queueUrl },
      memoryMb: 1_024,
      timeoutSeconds: healerSeconds,
      reservedConcurrency: reserved(healerConcurrency),
    });
    fleets.queue.grantSendMessages(this.healer.function);
    for (const worker of [this.publisher, this.healer]) events.bus.grantPutEventsTo(worker.function);
    this.deadLetters = this.#deadLetters();
    this.#wakePublisher(settings);
    this.schedule = this.#wakeHealer();
  }

  #deadLetters(): Queue {
    const queue = new Queue(this, "DeadLetters", {
      encryption: QueueEncryption.SQS_MANAGED,
      enforceSSL: true,
      retentionPeriod: Duration.days(deadLetterDays),
    });
    Validations.of(queue).acknowledge({ id: "AwsSolutions-SQS3", reason: "it is a dead-letter queue itself" });
    return queue;
  }

  #wakePublisher({ tables: { log } }: HandlerSettings): void {
    log.grantStreamRead(this.publisher.function);
    Validations.of(this.publisher).acknowledge({
      id: "AwsSolutions-IAM5[Resource::*]",
      reason: "dynamodb:ListStreams, which Lambda asks for, knows no resources",
    });
    const mapping = new EventSourceMapping(this, "Wake", {
      target: this.publisher.function,
      ...(log.tableStreamArn !== undefined && { eventSourceArn: log.tableStreamArn }),
      // A strip changes entries; only new ones wake.
      filters: [FilterCriteria.filter({ eventName: FilterRule.isEqual("INSERT") })],
      // What is committed between the table's making and the mapping's is a wake-up, too.
      startingPosition: StartingPosition.TRIM_HORIZON,
      batchSize: batchRecords,
      retryAttempts: streamTries,
      maxRecordAge: Duration.hours(recordHoursMax),
      bisectBatchOnError: true,
      reportBatchItemFailures: true,
      onFailure: new SqsDlq(this.deadLetters),
    });
    // Lambda refuses a mapping whose role may not read the stream yet.
    mapping.node.addDependency(this.publisher);
  }

  #wakeHealer(): Rule {
    const target = new FunctionTarget(this.healer.function, { retryAttempts: 0, maxEventAge: Duration.minutes(1) });
    return new Rule(this, "Minute", { schedule: Schedule.rate(Duration.minutes(1)), targets: [target] });
  }
}
