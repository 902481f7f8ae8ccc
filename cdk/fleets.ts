/**
 * What works on the Docker hosts: the reconciler, woken by a queue. Changes that people make come to it by the bus, each minute's look at
 * every cluster that has nodes by the healer, and what must wait by itself. A wake-up says which cluster, and is no more than that: one
 * that is lost costs a minute.
 */
import { Duration } from "aws-cdk-lib";
import { EventField, type EventPattern, type Rule, RuleTargetInput } from "aws-cdk-lib/aws-events";
import { SqsQueue as QueueTarget } from "aws-cdk-lib/aws-events-targets";
import { SqsEventSource } from "aws-cdk-lib/aws-lambda-event-sources";
import { Queue, type QueueProps } from "aws-cdk-lib/aws-sqs";
import { Construct } from "constructs";
import type { Events } from "./events.ts";
import { Handler, type HandlerSettings, type Network } from "./handler.ts";
import { type NodeAccess, useNodes } from "./node-access.ts";

/** Kinds of a cluster that its fleet follows. */
const kinds = ["Node", "Service", "Task", "Container"];
/** Who works in the reconciler: what they change needs no other round. */
export const fleetActors = ["reconciler", "node-healer", "agent"];

/** A pull must end within one call: Docker breaks it off when nobody waits for it any more. */
const reconcilerSeconds = 300;
/** Enough for clusters that are slow to answer; each works on four clusters at once. Reserved, too: watches can't take them. */
const reconcilerConcurrency = 5;
/**
 * Wake-ups of one call, which are one round for each cluster, however many there are. AWS: more need a batching window, and with one,
 * whatever its length, a wake-up may lie in a quiet queue for 20 seconds.
 */
const batchWakeUps = 10;
/** AWS: six times the function's time-out, so that a call that is throttled finds its messages. */
const visibility = Duration.seconds(6 * reconcilerSeconds);
const triesMax = 3;
/** What waited longer was told by a later minute. Longer than all tries: else none would come to be a dead letter. */
const wakeHoursMax = 2;
const deadLetterDays = 14;

export type FleetsProps = {
  readonly settings: HandlerSettings;
  readonly events: Events;
  readonly access: NodeAccess;
  readonly network?: Network | undefined;
  readonly reserveConcurrency: boolean;
  /** Whether nodes and tasks are looked after. */
  readonly isAtWork: boolean;
};

export class Fleets extends Construct {
  readonly reconciler: Handler;
  /** Of wake-ups. */
  readonly queue: Queue;
  readonly deadLetters: Queue;

  constructor(scope: Construct, id: string, { settings, events, access, network, ...props }: FleetsProps) {
    super(scope, id);
    const { reserveConcurrency, isAtWork } = props;
    this.deadLetters = this.#queue("DeadLetters", { retentionPeriod: Duration.days(deadLetterDays) });
    this.queue = this.#queue("WakeUps", {
      visibilityTimeout: visibility,
      retentionPeriod: Duration.hours(wakeHoursMax),
      deadLetterQueue: { queue: this.deadLetters, maxReceiveCount: triesMax },
    });
    this.reconciler = new Handler(this, "Reconciler", {
      settings,
      name: "reconciler",
      description: "Keeps services at their replicas, and nodes' health, on the Docker hosts",
      environment: { ...access.environment, WINDLASS_FLEET_QUEUE: this.queue.queueUrl },
      memoryMb: 1_769,
      timeoutSeconds: reconcilerSeconds,
      reservedConcurrency: reserveConcurrency ? reconcilerConcurrency : undefined,
      network,
    });
    useNodes(this.reconciler, access);
    // What must wait is woken again.
    this.queue.grantSendMessages(this.reconciler.function);
    this.reconciler.function.addEventSource(
      new SqsEventSource(this.queue, {
        batchSize: batchWakeUps,
        maxConcurrency: reconcilerConcurrency,
        reportBatchItemFailures: true,
        // What comes meanwhile is forgotten after its time.
        enabled: isAtWork,
      }),
    );
    if (isAtWork) this.#wakeBy(events);
  }

  #queue(id: string, props: QueueProps): Queue {
    return new Queue(this, id, { enforceSSL: true, ...props });
  }

  #wakeBy(events: Events): readonly Rule[] {
    const actor = [{ "anything-but": [...fleetActors] }];
    const action = ["create", "update", "delete"];
    const rule = (name: string, data: object, uidPath: string): Rule => {
      const pattern: EventPattern = { source: ["windlass"], detail: { data } };
      const message = RuleTargetInput.fromObject({ cluster: EventField.fromPath(uidPath) });
      return events.rule(name, pattern, new QueueTarget(this.queue, { message, maxEventAge: Duration.hours(wakeHoursMax) }));
    };
    return [
      rule("FleetChanges", { action, kind: kinds, actor }, "$.detail.data.uid"),
      // What a Cluster says of its own fleet: paused, adopts, nodeTls.
      rule("ClusterChanges", { action: ["update"], kind: ["Cluster"] }, "$.detail.data.objectUid"),
    ];
  }
}
