/**
 * The way in: a REST API that hands every request to one function. Who may what is decided there, by the code of the embedded server;
 * here are only the outer bounds: addresses, rate, and IAM where it is wanted.
 */
import { Duration, Stack, Validations } from "aws-cdk-lib";
import {
  AuthorizationType,
  EndpointType,
  LambdaIntegration,
  type Method,
  ResponseTransferMode,
  RestApi,
} from "aws-cdk-lib/aws-apigateway";
import { AnyPrincipal, Effect, PolicyDocument, PolicyStatement } from "aws-cdk-lib/aws-iam";
import { Construct } from "constructs";
import type { ApiAccess } from "./access.ts";
import { Handler, type HandlerSettings, type Network } from "./handler.ts";
import { type NodeAccess, useNodes } from "./node-access.ts";

/** stream: a watch is open for up to 15 minutes. buffer: it is a long poll of at most 25 s. */
export type Transport = "stream" | "buffer";

const stageName = "prod";
/** API Gateway: the limit of a streamed answer, and of one that is buffered. Lambda ends a function at 900 s. */
const timeoutSeconds: Readonly<Record<Transport, number>> = { stream: 900, buffer: 29 };
/** Bodies are bytes both ways, gzipped or not. LocalStack passes over the first, and is a reason to buffer. */
const binaryMediaTypes: Readonly<Record<Transport, string[]>> = {
  stream: ["*/*"],
  buffer: ["*/*", "application/*", "text/*"],
};
/** A core for itself comes with 1,769 MB. */
const memoryMb = 1_769;

export type ApiProps = {
  readonly settings: HandlerSettings;
  readonly transport: Transport;
  readonly access: ApiAccess;
  readonly nodeAccess: NodeAccess;
  readonly network?: Network | undefined;
  readonly requestsPerSecond: number;
};

export class Api extends Construct {
  readonly handler: Handler;
  readonly rest: RestApi;
  /** Without a slash at its end. */
  readonly url: string;

  constructor(scope: Construct, id: string, { settings, transport, access, nodeAccess, network, requestsPerSecond }: ApiProps) {
    super(scope, id);
    this.handler = new Handler(this, "Handler", {
      settings,
      name: "api",
      description: "Windlass's HTTP interface",
      environment: { WINDLASS_TRANSPORT: transport, ...nodeAccess.environment, ...access.environment },
      memoryMb,
      timeoutSeconds: timeoutSeconds[transport],
      network,
    });
    useNodes(this.handler, nodeAccess);
    this.rest = new RestApi(this, "Rest", {
      restApiName: Stack.of(this).stackName,
      // Silence of up to five minutes is allowed here; the edge's gateways cut a stream after 30 s.
      endpointTypes: [EndpointType.REGIONAL],
      binaryMediaTypes: binaryMediaTypes[transport],
      // It would change a setting of the whole account.
      cloudWatchRole: false,
      deployOptions: { stageName, throttlingRateLimit: requestsPerSecond, throttlingBurstLimit: 2 * requestsPerSecond },
      ...(access.allowedCidrs !== undefined && { policy: onlyFrom(access.allowedCidrs) }),
    });
    // An output of the library's own; the stack's say it without the slash.
    this.rest.node.tryRemoveChild("Endpoint");
    // A changed policy counts only from the next deployment on.
    this.rest.latestDeployment?.addToLogicalId({ allowedCidrs: access.allowedCidrs ?? [] });
    for (const method of this.#methods(transport, access)) acknowledgeMethod(method, access);
    acknowledgeApi(this.rest);
    const { region, urlSuffix } = Stack.of(this);
    this.url = `https://${this.rest.restApiId}.execute-api.${region}.${urlSuffix}/${stageName}`;
  }

  #methods(transport: Transport, { usesIam }: ApiAccess): readonly Method[] {
    const integration = new LambdaIntegration(this.handler.function, {
      responseTransferMode: transport === "stream" ? ResponseTransferMode.STREAM : ResponseTransferMode.BUFFERED,
      timeout: Duration.seconds(timeoutSeconds[transport]),
      allowTestInvoke: false,
    });
    const options = { authorizationType: usesIam ? AuthorizationType.IAM : AuthorizationType.NONE };
    const below = this.rest.root.addResource("{proxy+}");
    return [this.rest.root, below].map((resource) => resource.addMethod("ANY", integration, options));
  }
}

/** A resource policy that lets everybody call, but from these addresses only. */
function onlyFrom(cidrs: readonly string[]): PolicyDocument {
  const common = { principals: [new AnyPrincipal()], actions: ["execute-api:Invoke"], resources: ["execute-api:/*"] };
  return new PolicyDocument({
    statements: [
      new PolicyStatement({ ...common, effect: Effect.ALLOW }),
      new PolicyStatement({ ...common, effect: Effect.DENY, conditions: { NotIpAddress: { "aws:SourceIp": [...cidrs] } } }),
    ],
  });
}

function acknowledgeMethod(method: Method, { usesIam }: ApiAccess): void {
  const validations = Validations.of(method);
  validations.acknowledge({
    id: "AwsSolutions-COG4",
    reason: "tokens are Windlass's own or an OIDC provider's; with IAM on, SigV4 is asked for",
  });
  if (usesIam) return;
  validations.acknowledge({
    id: "AwsSolutions-APIG4",
    reason: "the function checks every request's token itself: a hop and a cold start less",
  });
}

function acknowledgeApi(rest: RestApi): void {
  Validations.of(rest).acknowledge(
    {
      id: "AwsSolutions-APIG2",
      reason: "bodies are checked by their kinds' schemas in the function, which names the wrong field",
    },
    { id: "AwsSolutions-APIG3", reason: "a web ACL costs more than the rest; one of your own can be put on the stage" },
    {
      id: "AwsSolutions-APIG1",
      reason: "access logs need a role set for the whole account; the log of cluster changes has every actor",
    },
    { id: "AwsSolutions-APIG6", reason: "as APIG1; the function logs what goes wrong" },
  );
}
