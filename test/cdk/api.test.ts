/** What the stack's template says of the way in: streamed or buffered, for whom, from where. */
import { Match } from "aws-cdk-lib/assertions";
import { describe, expect, it } from "vitest";
import type { AccessProps, Oidc } from "../../cdk/access.ts";
import type { OidcConfig } from "../../shared/access/oidc.ts";
import { one, type Properties, type Resources, templateOf } from "./synth.ts";

const environmentOf = (props: AccessProps): Properties =>
  (one(templateOf(props), "AWS::Lambda::Function", "ApiHandler")["Environment"] as { Variables: Properties }).Variables;

const methods = (template: ReturnType<typeof templateOf>): Properties[] =>
  Object.values(template.findResources("AWS::ApiGateway::Method") as Resources).map(({ Properties }) => Properties);

const integration = { Type: "AWS_PROXY", IntegrationHttpMethod: "POST" };

describe("the API", () => {
  it("streams every answer for up to 15 minutes", () => {
    const template = templateOf();
    const streaming = { ...integration, ResponseTransferMode: "STREAM", TimeoutInMillis: 900_000 };
    const expected = { HttpMethod: "ANY", AuthorizationType: "NONE", Integration: streaming };
    expect(methods(template)).toMatchObject([expected, expected]);
    for (const method of methods(template)) expect(JSON.stringify(method)).toContain("/response-streaming-invocations");
    expect(one(template, "AWS::Lambda::Function", "ApiHandler")).toMatchObject({ Timeout: 900 });
  });

  it("buffers where it is told to, below API Gateway's 29 seconds", () => {
    const template = templateOf({ transport: "buffer" });
    const buffered = { ...integration, ResponseTransferMode: "BUFFERED", TimeoutInMillis: 29_000 };
    expect(methods(template)).toMatchObject([{ Integration: buffered }, { Integration: buffered }]);
    for (const method of methods(template)) expect(JSON.stringify(method)).not.toContain("streaming");
    expect(one(template, "AWS::Lambda::Function", "ApiHandler")).toMatchObject({ Timeout: 29 });
  });

  it("stands in one region, passes every byte as it is, and lets a bounded rate through", () => {
    const template = templateOf({ requestsPerSecond: 7 });
    template.hasResourceProperties("AWS::ApiGateway::RestApi", {
      BinaryMediaTypes: ["*/*"],
      EndpointConfiguration: { Types: ["REGIONAL"] },
      Policy: Match.absent(),
    });
    template.hasResourceProperties("AWS::ApiGateway::Stage", {
      StageName: "prod",
      MethodSettings: [Match.objectLike({ ThrottlingRateLimit: 7, ThrottlingBurstLimit: 14 })],
    });
    template.resourceCountIs("AWS::ApiGateway::Account", 0);
  });

  it("other addresses than those allowed are denied, and a change of them is deployed", () => {
    const deployment = (allowedCidrs: readonly string[]) => {
      const template = templateOf({ allowedCidrs });
      template.hasResourceProperties("AWS::ApiGateway::RestApi", {
        Policy: {
          Statement: Match.arrayWith([
            Match.objectLike({ Effect: "Deny", Condition: { NotIpAddress: { "aws:SourceIp": allowedCidrs } } }),
          ]),
        },
      });
      return Object.keys(template.findResources("AWS::ApiGateway::Deployment"));
    };
    expect(deployment(["203.0.113.0/24"])).not.toEqual(deployment(["203.0.113.0/24", "2001:db8::/32"]));
  });

  it("with IAM every call is signed, and the roles are the function's", () => {
    const iamRoles = [{ arn: "arn:aws:iam::123456789012:role/ops-*", role: "editor", cluster: "blue" }] as const;
    expect(methods(templateOf({ iamRoles })).map(({ AuthorizationType }) => AuthorizationType)).toEqual(["AWS_IAM", "AWS_IAM"]);
    expect(JSON.parse(String(environmentOf({ iamRoles })["WINDLASS_IAM"]))).toEqual(iamRoles);
  });

  it("OIDC reaches the function as the embedded server takes it", () => {
    const oidc: Oidc = { issuer: "https://id.example", audiences: ["windlass"], roles: [{ group: "ops", role: "admin" }] };
    const config: OidcConfig = { ...oidc, usernameClaim: "sub", usernamePrefix: "oidc:", groupsClaim: "groups" };
    expect(JSON.parse(String(environmentOf({ oidc })["WINDLASS_OIDC"]))).toEqual(config);
    expect(JSON.parse(String(environmentOf({ oidc: { ...oidc, usernamePrefix: "" } })["WINDLASS_OIDC"]))).toMatchObject({
      usernamePrefix: "",
    });
  });

  it.each<[string, AccessProps]>([
    ["is not a CIDR", { allowedCidrs: ["203.0.113.7"] }],
    ["names no address", { allowedCidrs: [] }],
    ["names nobody", { iamRoles: [] }],
    [
      "no bearer tokens",
      {
        iamRoles: [{ arn: "arn:aws:iam::1:user/a", role: "admin" }],
        oidc: { issuer: "https://id.example", audiences: ["w"], roles: [] },
      },
    ],
  ])("refused, for it %s", (reason, props) => {
    expect(() => templateOf(props)).toThrow(reason);
  });
});
