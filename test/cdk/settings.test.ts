/** What `cdk deploy -c name=value` and AWS_ENDPOINT_URL make of the stack. */
import { RemovalPolicy } from "aws-cdk-lib";
import { Architecture } from "aws-cdk-lib/aws-lambda";
import { describe, expect, it } from "vitest";
import { settingsOf } from "../../cdk/settings.ts";

const settings = (contexts: Readonly<Record<string, unknown>> = {}, endpoint?: string) =>
  settingsOf({ context: (name) => contexts[name], endpoint, processor: "x64" });

describe("the stack's settings", () => {
  it("on AWS: streamed, arm64, and state that stays", () => {
    const kept = { removalPolicy: RemovalPolicy.RETAIN, deletionProtection: true };
    const stream = {
      transport: "stream",
      architecture: Architecture.ARM_64,
      reserveConcurrency: true,
      fleet: true,
      nodeCidrs: [],
    };
    expect(settings()).toEqual({ ...stream, ...kept });
    expect(settings({}, "")).toEqual(settings());
  });

  it("on LocalStack: buffered, on this machine's processor, and thrown away", () => {
    const gone = { removalPolicy: RemovalPolicy.DESTROY, deletionProtection: false };
    const own = { fleet: true, nodeCidrs: ["127.0.0.0/8"] };
    const local = { transport: "buffer", architecture: Architecture.X86_64, reserveConcurrency: true, ...own };
    expect(settings({}, "http://127.0.0.1:4566")).toEqual({ ...local, ...gone });
  });

  it("what is said wins, also as JSON in cdk.json", () => {
    const said = {
      transport: "stream",
      removal: "retain",
      reserveConcurrency: false,
      nodeCidrs: "10.0.0.0/8,fd00::/8",
      fleet: "off",
    };
    expect(settings(said, "http://127.0.0.1:4566")).toMatchObject({
      transport: "stream",
      deletionProtection: true,
      reserveConcurrency: false,
      nodeCidrs: ["10.0.0.0/8", "fd00::/8"],
      fleet: false,
    });
  });

  it("what can't be is refused by its name, with what can", () => {
    expect(() => settings({ transport: "pigeon" })).toThrow('transport is "pigeon"; it must be one of stream, buffer');
  });
});
