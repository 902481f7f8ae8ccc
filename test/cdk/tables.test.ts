/** What the stack's template says of the tables: the keys that the adapters use, and that no state is lost by accident. */
import { RemovalPolicy, Stack } from "aws-cdk-lib";
import { Match, Template } from "aws-cdk-lib/assertions";
import { Key } from "aws-cdk-lib/aws-kms";
import { describe, expect, it } from "vitest";
import { templateOf, withStack } from "./synth.ts";

const key = (name: string, type: "HASH" | "RANGE") => ({ AttributeName: name, KeyType: type });

describe("the stack's tables", () => {
  it("Log: cluster and revision are its key, its stream carries keys only, and nothing in it expires", () => {
    templateOf().hasResourceProperties("AWS::DynamoDB::Table", {
      KeySchema: [key("c", "HASH"), key("r", "RANGE")],
      AttributeDefinitions: [
        { AttributeName: "c", AttributeType: "S" },
        { AttributeName: "r", AttributeType: "N" },
      ],
      StreamSpecification: { StreamViewType: "KEYS_ONLY" },
      TimeToLiveSpecification: Match.absent(),
    });
  });

  it("Objects: cluster and key are its key, tombstones and cells expire, and it has no stream", () => {
    templateOf().hasResourceProperties("AWS::DynamoDB::Table", {
      KeySchema: [key("c", "HASH"), key("k", "RANGE")],
      StreamSpecification: Match.absent(),
      TimeToLiveSpecification: { AttributeName: "t", Enabled: true },
    });
  });

  it("both are paid by use, protected, recoverable, and stay when the stack goes", () => {
    const template = templateOf();
    const kept = {
      DeletionPolicy: "Retain",
      UpdateReplacePolicy: "Retain",
      Properties: {
        BillingMode: "PAY_PER_REQUEST",
        DeletionProtectionEnabled: true,
        PointInTimeRecoverySpecification: { PointInTimeRecoveryEnabled: true },
      },
    };
    expect(Object.keys(template.findResources("AWS::DynamoDB::Table", kept))).toHaveLength(2);
  });

  it("protection and removal can be chosen, for a deployment that is to go without a trace", () => {
    const template = templateOf({ deletionProtection: false, removalPolicy: RemovalPolicy.DESTROY });
    const removed = { DeletionPolicy: "Delete", Properties: { DeletionProtectionEnabled: false } };
    expect(Object.keys(template.findResources("AWS::DynamoDB::Table", removed))).toHaveLength(2);
  });

  it("a key of one's own encrypts both, and every function may use it", () => {
    const template = withStack(
      (app) => ({ encryptionKey: new Key(new Stack(app, "Keys"), "Key") }),
      (stack) => Template.fromStack(stack),
    );
    const encrypted = { Properties: { SSESpecification: { SSEEnabled: true, SSEType: "KMS" } } };
    expect(Object.keys(template.findResources("AWS::DynamoDB::Table", encrypted))).toHaveLength(2);
    const users = template.findResources("AWS::IAM::Policy", {
      Properties: {
        PolicyDocument: { Statement: Match.arrayWith([Match.objectLike({ Action: Match.arrayWith(["kms:Decrypt"]) })]) },
      },
    });
    expect(Object.keys(users)).toHaveLength(5);
  });
});
