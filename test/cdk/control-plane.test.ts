/** What the stack's template says of the functions, what wakes them, what they may, and what watches over them. */
import { Stack } from "aws-cdk-lib";
import { Match, Template } from "aws-cdk-lib/assertions";
import { type IVpc, Vpc } from "aws-cdk-lib/aws-ec2";
import { Topic } from "aws-cdk-lib/aws-sns";
import { describe, expect, it } from "vitest";
import type { Events } from "../../cdk/events.ts";
import { one, type Properties, type Resources, templateOf, withStack } from "./synth.ts";

const template = templateOf();
const handlers = ["ApiHandler", "Publisher", "Healer", "Reconciler", "Installer"];
const functionOf = (part: string, of = template): Properties => one(of, "AWS::Lambda::Function", part);
const environmentOf = (part: string, of = template): Properties =>
  (functionOf(part, of)["Environment"] as { Variables: Properties }).Variables;

type Statement = { readonly Effect: string; readonly Action: string | readonly string[]; readonly Resource: unknown };
const statementsOf = (part: string): readonly Statement[] =>
  (one(template, "AWS::IAM::Policy", part)["PolicyDocument"] as { Statement: Statement[] }).Statement;
const actionsOf = (part: string): string[] => statementsOf(part).flatMap(({ Action }) => Action);

describe("functions", () => {
  it("run on Node 24 on arm64, with logs that end", () => {
    for (const handler of handlers) {
      expect(functionOf(handler)).toMatchObject({ Runtime: "nodejs24.x", Architectures: ["arm64"], Handler: "index.handler" });
      expect(functionOf(handler)["LoggingConfig"]).toBeDefined();
    }
    template.allResourcesProperties("AWS::Logs::LogGroup", { RetentionInDays: 30 });
  });

  it("are told the tables by name, and each what else it needs and no more", () => {
    const common = ["WINDLASS_LOG_TABLE", "WINDLASS_OBJECTS_TABLE", "WINDLASS_STACK"];
    const own = (part: string) => Object.keys(environmentOf(part)).filter((name) => !common.includes(name));
    expect(handlers.map(own)).toEqual([
      ["WINDLASS_TRANSPORT", "WINDLASS_SECRETS"],
      ["WINDLASS_BUS", "WINDLASS_METRICS_NAMESPACE"],
      ["WINDLASS_BUS", "WINDLASS_METRICS_NAMESPACE", "WINDLASS_FLEET_QUEUE"],
      ["WINDLASS_SECRETS", "WINDLASS_FLEET_QUEUE"],
      ["WINDLASS_ADMIN_SECRET"],
    ]);
  });

  it("name lines of the sources in their stacks where that is asked for", () => {
    expect(environmentOf("Healer", templateOf({ sourceMaps: true }))["NODE_OPTIONS"]).toBe("--enable-source-maps");
  });

  it("may do what their adapters ask for: nobody scans, changes tables, or uses a wildcard but for ListStreams", () => {
    const all = handlers.flatMap(actionsOf);
    expect(all.filter((action) => action.includes("*") || /Scan|Table/.test(action))).toEqual([]);
    const wild = handlers.flatMap(statementsOf).filter(({ Resource }) => JSON.stringify(Resource).includes('"*"'));
    expect(wild.map(({ Action }) => Action)).toEqual(["dynamodb:ListStreams"]);
    expect(actionsOf("Installer").filter((action) => !/^(logs|dynamodb):/.test(action))).toEqual([
      "secretsmanager:GetSecretValue",
      "secretsmanager:PutSecretValue",
    ]);
    expect(actionsOf("ApiHandler").filter((action) => !/^(logs|dynamodb):/.test(action))).toEqual([
      "secretsmanager:GetSecretValue",
    ]);
    expect(actionsOf("Healer")).toEqual(expect.arrayContaining(["events:PutEvents", "sqs:SendMessage"]));
    expect(actionsOf("Reconciler")).toEqual(expect.arrayContaining(["secretsmanager:GetSecretValue", "sqs:SendMessage"]));
    expect(template.findResources("AWS::IAM::Role", { Properties: { ManagedPolicyArns: Match.anyValue() } })).toEqual({});
  });

  it("workers keep environments that watches can't take, unless the account has none to keep", () => {
    expect([functionOf("Publisher"), functionOf("Healer"), functionOf("Reconciler")]).toMatchObject([
      { ReservedConcurrentExecutions: 10 },
      { ReservedConcurrentExecutions: 1 },
      { ReservedConcurrentExecutions: 5 },
    ]);
    const without = templateOf({ reserveConcurrency: false });
    expect(functionOf("Healer", without)).not.toHaveProperty("ReservedConcurrentExecutions");
  });

  it("those that reach Docker hosts stand in the VPC, and only those", () => {
    const inside = withStack(
      (app) => ({ vpc: new Vpc(new Stack(app, "Network"), "Vpc") as IVpc }),
      (stack) => Template.fromStack(stack),
    );
    const standing = handlers.filter((handler) => "VpcConfig" in functionOf(handler, inside));
    expect(standing).toEqual(["ApiHandler", "Reconciler"]);
    for (const part of standing) {
      const { VpcConfig: place } = functionOf(part, inside) as { VpcConfig: Record<string, unknown[]> };
      expect([place["SecurityGroupIds"]?.length, place["SubnetIds"]?.length]).toEqual([1, 2]);
    }
    expect(() => templateOf({ vpcSubnets: {} })).toThrow("mean nothing without vpc");
  });

  it("variables that Lambda would refuse are refused before anything is deployed", () => {
    const roles = Array.from({ length: 40 }, (_, index) => ({
      group: `group-${index}-of-a-long-name`.repeat(3),
      role: "viewer" as const,
    }));
    expect(() => templateOf({ oidc: { issuer: "https://a.example", audiences: ["w"], roles } })).toThrow(
      /have \d+ bytes; at most 3072/,
    );
  });
});

describe("what wakes the workers", () => {
  it("new entries only, with an end to tries: halves, then dead letters", () => {
    template.hasResourceProperties("AWS::Lambda::EventSourceMapping", {
      FilterCriteria: { Filters: [{ Pattern: '{"eventName":["INSERT"]}' }] },
      StartingPosition: "TRIM_HORIZON",
      MaximumRetryAttempts: 5,
      MaximumRecordAgeInSeconds: 21_600,
      BisectBatchOnFunctionError: true,
      FunctionResponseTypes: ["ReportBatchItemFailures"],
      DestinationConfig: { OnFailure: { Destination: Match.anyValue() } },
    });
    template.hasResourceProperties("AWS::SQS::Queue", { MessageRetentionPeriod: 1_209_600, SqsManagedSseEnabled: true });
  });

  it("the clock, each minute, once", () => {
    template.hasResourceProperties("AWS::Events::Rule", {
      ScheduleExpression: "rate(1 minute)",
      Targets: [Match.objectLike({ RetryPolicy: { MaximumRetryAttempts: 0, MaximumEventAgeInSeconds: 60 } })],
    });
  });
});

describe("events", () => {
  it("the bus has an archive, for as many days as is said", () => {
    template.hasResourceProperties("AWS::Events::Archive", { RetentionDays: 30 });
    template.resourceCountIs("AWS::Events::EventBus", 1);
    templateOf({ archiveDays: 0 }).resourceCountIs("AWS::Events::Archive", 0);
  });

  const ruleOf = (add: (events: Events) => unknown): Properties =>
    withStack({}, (stack) => {
      add(stack.controlPlane.events);
      return one(Template.fromStack(stack), "AWS::Events::Rule", "EventsMine");
    });

  it("a rule with a pattern of one's own stands on the bus", () => {
    const pattern = { detail: { data: { previous: { spec: { availability: ["active"] } } } } };
    expect(ruleOf((events) => events.rule("Mine", pattern))).toMatchObject({ EventPattern: pattern, EventBusName: {} });
  });

  it("changes are picked by cluster, kind, namespace, action and labels; commits are none", () => {
    const filter = { clusters: ["blue"], kinds: ["Task", "Service"], namespaces: ["default"], labels: { "a.b/c": "d" } };
    expect(ruleOf((events) => events.onChange("Mine", { ...filter, actions: ["delete"] }))["EventPattern"]).toEqual({
      source: ["windlass"],
      detail: {
        data: {
          cluster: ["blue"],
          kind: ["Task", "Service"],
          namespace: ["default"],
          action: ["delete"],
          object: { metadata: { labels: { "a.b/c": ["d"] } } },
        },
      },
    });
    expect(ruleOf((events) => events.onChange("Mine", {}))["EventPattern"]).toEqual({
      source: ["windlass"],
      detail: { data: { action: ["create", "update", "delete"] } },
    });
  });
});

describe("what watches over it", () => {
  it("alarms for lag, wake-ups, dead letters, errors and throttles; quiet when there are no numbers", () => {
    const alarms = Object.values(template.findResources("AWS::CloudWatch::Alarm") as Resources).map(
      ({ Properties }) => Properties,
    );
    expect(alarms.map(({ MetricName }) => MetricName).sort()).toEqual([
      "5XXError",
      "ApproximateNumberOfMessagesVisible",
      "ApproximateNumberOfMessagesVisible",
      "Errors",
      "Errors",
      "Errors",
      "IteratorAge",
      "LagSeconds",
      "Throttles",
      "Throttles",
      "WriteThrottleEvents",
      "WriteThrottleEvents",
    ]);
    expect(alarms.every(({ TreatMissingData }) => TreatMissingData === "notBreaching")).toBe(true);
  });

  it("a topic is told of each, at its beginning and its end", () => {
    const told = withStack(
      (app) => ({ alarmTopic: new Topic(new Stack(app, "Duty"), "Topic") }),
      (stack) => Template.fromStack(stack),
    );
    told.allResourcesProperties("AWS::CloudWatch::Alarm", { AlarmActions: [Match.anyValue()], OKActions: [Match.anyValue()] });
  });

  it("one dashboard, or none", () => {
    template.resourceCountIs("AWS::CloudWatch::Dashboard", 1);
    templateOf({ dashboard: false }).resourceCountIs("AWS::CloudWatch::Dashboard", 0);
  });
});

describe("the installation", () => {
  it("a secret, and a function that CloudFormation waits two minutes for", () => {
    template.hasResourceProperties("Custom::WindlassInstallation", { ServiceTimeout: "120", Secret: Match.anyValue() });
    template.resourceCountIs("AWS::SecretsManager::Secret", 1);
  });

  it("the outputs that windlass kubeconfig --stack reads", () => {
    const outputs = ["Url", "AdminTokenSecret", "Installer", "LogTable", "ObjectsTable", "Bus", "FirstSteps"];
    expect(Object.keys(template.findOutputs("*"))).toEqual(outputs);
  });
});
