/**
 * One Lambda function as all of ours are: Node 24, its bundle as the code, a role that may write its own log and nothing else until
 * something is granted, and a log that is kept for a bounded time.
 */
import { join } from "node:path";
import { Duration, RemovalPolicy, Stack, Token, Validations } from "aws-cdk-lib";
import type { ISecurityGroup, IVpc, SubnetSelection } from "aws-cdk-lib/aws-ec2";
import { Effect, PolicyStatement, Role, ServicePrincipal } from "aws-cdk-lib/aws-iam";
import { type Architecture, Code, Function as LambdaFunction, Runtime } from "aws-cdk-lib/aws-lambda";
import { LogGroup, type RetentionDays } from "aws-cdk-lib/aws-logs";
import { Construct } from "constructs";
import { type FunctionName, grantTables } from "./permissions.ts";
import type { Tables } from "./tables.ts";

/** Where functions stand that reach Docker hosts. */
export type Network = {
  readonly vpc: IVpc;
  readonly vpcSubnets?: SubnetSelection;
  readonly securityGroups?: readonly ISecurityGroup[];
};

/** What all functions of a control plane have in common. */
export type HandlerSettings = {
  /** The folder with one folder a function, each with index.mjs. */
  readonly bundles: string;
  readonly architecture: Architecture;
  readonly logRetention: RetentionDays;
  readonly sourceMaps: boolean;
  readonly tables: Tables;
};

export type HandlerProps = {
  readonly settings: HandlerSettings;
  readonly name: FunctionName;
  readonly description: string;
  readonly environment: Readonly<Record<string, string>>;
  readonly memoryMb: number;
  readonly timeoutSeconds: number;
  /** Absent: what the account has left. */
  readonly reservedConcurrency?: number | undefined;
  /** Absent: outside of any VPC. */
  readonly network?: Network | undefined;
};

/** Lambda: all variables of a function, names and values together. */
const environmentBytesMax = 4_096;
/** What tokens resolve to when it is deployed (names, ARNs) is not known here; this much is kept for it. */
const unresolvedBytesMax = 1_024;

export class Handler extends Construct {
  readonly function: LambdaFunction;

  constructor(scope: Construct, id: string, { settings, name, network, ...props }: HandlerProps) {
    super(scope, id);
    const { tables } = settings;
    const environment = {
      WINDLASS_LOG_TABLE: tables.log.tableName,
      WINDLASS_OBJECTS_TABLE: tables.objects.tableName,
      WINDLASS_STACK: Stack.of(this).stackName,
      ...(settings.sourceMaps && { NODE_OPTIONS: "--enable-source-maps" }),
      ...props.environment,
    };
    checkSize(name, environment);
    const logGroup = new LogGroup(this, "Logs", { retention: settings.logRetention, removalPolicy: RemovalPolicy.DESTROY });
    const role = new Role(this, "Role", { assumedBy: new ServicePrincipal("lambda.amazonaws.com") });
    logGroup.grantWrite(role);
    if (network !== undefined) allowInterfaces(role);
    this.function = new LambdaFunction(this, "Function", {
      code: Code.fromAsset(join(settings.bundles, name)),
      handler: "index.handler",
      runtime: Runtime.NODEJS_24_X,
      architecture: settings.architecture,
      description: props.description,
      environment,
      memorySize: props.memoryMb,
      timeout: Duration.seconds(props.timeoutSeconds),
      role,
      logGroup,
      ...(props.reservedConcurrency !== undefined && { reservedConcurrentExecutions: props.reservedConcurrency }),
      ...(network !== undefined && placeIn(network)),
    });
    grantTables(name, role, tables);
  }
}

/** Without groups of the caller's, the library makes one for the function. */
const placeIn = ({ vpc, vpcSubnets, securityGroups }: Network) => ({
  vpc,
  ...(vpcSubnets !== undefined && { vpcSubnets }),
  ...(securityGroups !== undefined && { securityGroups: [...securityGroups] }),
});

/** Lambda makes and removes its interfaces in the name of the function's role. */
function allowInterfaces(role: Role): void {
  const verbs = ["CreateNetworkInterface", "DeleteNetworkInterface", "DescribeNetworkInterfaces"];
  const addresses = ["AssignPrivateIpAddresses", "UnassignPrivateIpAddresses"];
  role.addToPolicy(
    new PolicyStatement({
      effect: Effect.ALLOW,
      actions: [...verbs, ...addresses].map((action) => `ec2:${action}`),
      resources: ["*"],
    }),
  );
  Validations.of(role).acknowledge({
    id: "AwsSolutions-IAM5[Resource::*]",
    reason: "Lambda names the interfaces itself, and describing them knows no resources",
  });
}

/** @throws Error when the variables can't fit, long before Lambda would say so. */
function checkSize(name: FunctionName, environment: Readonly<Record<string, string>>): void {
  const known = Object.entries(environment).filter(([, value]) => !Token.isUnresolved(value));
  const bytes = known.reduce((sum, [key, value]) => sum + Buffer.byteLength(key + value), 0);
  const bytesMax = environmentBytesMax - unresolvedBytesMax;
  if (bytes <= bytesMax) return;
  throw new Error(`the settings of function ${name} (OIDC and IAM roles, mostly) have ${bytes} bytes; at most ${bytesMax}`);
}
