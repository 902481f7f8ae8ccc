/** What wakes the reconciler, and what it and the API may read for the engines of nodes. */
import { Match } from "aws-cdk-lib/assertions";
import { describe, expect, it } from "vitest";
import { fleetActors } from "../../cdk/fleets.ts";
import { agentActor } from "../../shared/fleet/agent/site.ts";
import { healerActor } from "../../shared/fleet/nodes/treatment.ts";
import { reconcilerName } from "../../shared/fleet/reconcile/world.ts";
import { one, type Properties, type Resources, templateOf } from "./synth.ts";

const template = templateOf();
const rules = Object.values(template.findResources("AWS::Events::Rule") as Resources).map(({ Properties }) => Properties);

describe("the reconciler is woken", () => {
  it("by changes of what its fleet follows, save its own; the message is the cluster's uid", () => {
    const [rule] = rules.filter(({ EventPattern }) => JSON.stringify(EventPattern ?? {}).includes('"Container"'));
    expect(rule).toMatchObject({
      EventPattern: {
        source: ["windlass"],
        detail: {
          data: {
            action: ["create", "update", "delete"],
            kind: ["Node", "Service", "Task", "Container"],
            actor: [{ "anything-but": fleetActors }],
          },
        },
      },
      Targets: [
        {
          InputTransformer: {
            InputPathsMap: { "detail-data-uid": "$.detail.data.uid" },
            InputTemplate: '{"cluster":<detail-data-uid>}',
          },
        },
      ],
    });
  });

  it("by what a Cluster says of its fleet: there the object's uid is the cluster's", () => {
    const [rule] = rules.filter(({ EventPattern }) => JSON.stringify(EventPattern ?? {}).includes('"Cluster"'));
    expect(JSON.stringify(rule?.["Targets"])).toContain("$.detail.data.objectUid");
  });

  it("the actors that are passed over are those that work in it", () => {
    expect(fleetActors).toEqual(expect.arrayContaining([reconcilerName, healerActor, agentActor]));
  });

  it("by nothing where nobody is to look after nodes", () => {
    const idle = templateOf({ fleet: false });
    idle.hasResourceProperties("AWS::Lambda::EventSourceMapping", { Enabled: false, BatchSize: 10 });
    const left = Object.values(idle.findResources("AWS::Events::Rule") as Resources).map(({ Properties }) => Properties);
    expect(left.filter(({ EventPattern }) => EventPattern !== undefined)).toEqual([]);
  });

  it("by a queue whose messages come at once, as many in one call as are there, again when it fails, and end as dead letters", () => {
    template.hasResourceProperties("AWS::Lambda::EventSourceMapping", {
      BatchSize: 10,
      MaximumBatchingWindowInSeconds: Match.absent(),
      FunctionResponseTypes: ["ReportBatchItemFailures"],
      ScalingConfig: { MaximumConcurrency: 5 },
    });
    template.hasResourceProperties("AWS::SQS::Queue", {
      VisibilityTimeout: 1_800,
      RedrivePolicy: { deadLetterTargetArn: Match.anyValue(), maxReceiveCount: 3 },
    });
    const queues = Object.values(template.findResources("AWS::SQS::Queue") as Resources).map(({ Properties }) => Properties);
    const [waking] = queues.filter((queue) => queue["RedrivePolicy"] !== undefined);
    // Each try comes after the time-out of the one before; what is older than the queue keeps is gone, and no dead letter.
    expect(waking?.["MessageRetentionPeriod"]).toBeGreaterThan(3 * 1_800);
  });
});

describe("secrets and addresses of nodes", () => {
  const statementOf = (of: typeof template, part: string) => JSON.stringify(one(of, "AWS::IAM::Policy", part)["PolicyDocument"]);
  const variablesOf = (of: typeof template, part: string): Properties =>
    (one(of, "AWS::Lambda::Function", part)["Environment"] as { Variables: Properties }).Variables;

  it("only secrets under the prefix can be read, by the reconciler and the API", () => {
    for (const part of ["Reconciler", "ApiHandler"]) {
      expect(statementOf(template, part)).toContain(":secret:windlass/*");
      expect(statementOf(templateOf({ secretsPrefix: "fleet/prod/" }), part)).toContain(":secret:fleet/prod/*");
    }
    expect(statementOf(template, "Healer")).not.toContain("secretsmanager");
    expect(() => templateOf({ secretsPrefix: "w" })).toThrow("must end with a slash");
  });

  it("addresses of the host's own are allowed by name only", () => {
    expect(variablesOf(template, "Reconciler")).not.toHaveProperty("WINDLASS_NODE_CIDRS");
    const allowed = templateOf({ nodeCidrs: ["127.0.0.0/8", "fd00::/8"] });
    for (const part of ["Reconciler", "ApiHandler"])
      expect(variablesOf(allowed, part)["WINDLASS_NODE_CIDRS"]).toBe("127.0.0.0/8,fd00::/8");
    expect(() => templateOf({ nodeCidrs: ["all"] })).toThrow("is not a CIDR");
  });
});
