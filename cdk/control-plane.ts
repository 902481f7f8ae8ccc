/**
 * `windlass/cdk`: a whole control plane as one construct, for any stack. Everything has a default; what is asked for most is who may
 * come in (`oidc`, `iamRoles`, `allowedCidrs`), where Docker hosts are (`vpc`), and who is told of alarms (`alarmTopic`). One a stack: its
 * metrics go by the stack's name.
 */
import { join } from "node:path";
import { CfnOutput, Stack } from "aws-cdk-lib";
import type { ISecurityGroup, IVpc, SubnetSelection } from "aws-cdk-lib/aws-ec2";
import { Architecture } from "aws-cdk-lib/aws-lambda";
import { RetentionDays } from "aws-cdk-lib/aws-logs";
import type { ITopic } from "aws-cdk-lib/aws-sns";
import { Construct } from "constructs";
import { type AccessProps, apiAccess } from "./access.ts";
import { Alarms } from "./alarms.ts";
import { Api, type Transport } from "./api.ts";
import { Dashboard } from "./dashboard.ts";
import { Events, type EventsProps } from "./events.ts";
import { Fleets } from "./fleets.ts";
import type { Network } from "./handler.ts";
import { Installer } from "./installer.ts";
import { type NodeAccessProps, nodeAccess } from "./node-access.ts";
import { Tables, type TablesProps } from "./tables.ts";
import { Workers } from "./workers.ts";

export { type ChangeFilter, changePattern } from "./events.ts";

export type ControlPlaneProps = TablesProps &
  AccessProps &
  EventsProps &
  NodeAccessProps & {
    /**
     * How answers come. `stream`: watches are open for up to 15 minutes. `buffer`: they are long polls of at most 25 s, where something on
     * the way buffers. Default: stream.
     */
    readonly transport?: Transport;
    /**
     * The VPC of the Docker hosts, where they have private addresses: functions that reach them stand in it. They need ways out of it: a
     * gateway endpoint for DynamoDB (free), interface endpoints for SQS and Secrets Manager (each about 7.30 dollars a month and
     * zone, and a cent per GB) or a NAT gateway (about 33 dollars a month and 4.5 cents per GB; OIDC needs it, to fetch the issuer's keys).
     * Default: outside of any VPC, which costs nothing.
     */
    readonly vpc?: IVpc;
    /** Default: the VPC's private subnets with a way out. */
    readonly vpcSubnets?: SubnetSelection;
    /** Those that the Docker hosts let in. Default: one is made that allows all outgoing traffic. */
    readonly securityGroups?: readonly ISecurityGroup[];
    /**
     * Whether nodes and tasks are looked after. With false only what is asked through the API reaches a node, as is wanted after putting
     * back a backup. Default: true.
     */
    readonly fleet?: boolean;
    /** Requests a second that API Gateway lets through; twice as many at once. Default: 1,000. */
    readonly requestsPerSecond?: number;
    /**
     * Keeps 16 of the account's concurrent executions for the workers, so that watches, each of which holds one, can't stop them. An account
     * that still has the first quota of 10 must say false, or ask for more. Default: true.
     */
    readonly reserveConcurrency?: boolean;
    /** How long the functions' logs are kept. Default: a month. */
    readonly logRetention?: RetentionDays;
    /**
     * Whether stacks in the logs name lines of the sources instead of the bundles'. Reading the maps makes the API's cold start some 40 ms
     * longer. Default: false.
     */
    readonly sourceMaps?: boolean;
    /** Is told of alarms, when they go off and when they are over. Default: nobody is; they are seen in CloudWatch. */
    readonly alarmTopic?: ITopic;
    /** Whether there is a dashboard: 3 dollars a month above an account's first three. Default: true. */
    readonly dashboard?: boolean;
    /** Of the functions. Default: arm64, a fifth cheaper than x86_64. */
    readonly architecture?: Architecture;
    /** The folder with the functions' bundles. Default: those in this package. */
    readonly bundles?: string;
  };

export class ControlPlane extends Construct {
  readonly tables: Tables;
  /** `events.rule(…)` hands changes that match a pattern to targets of yours. */
  readonly events: Events;
  readonly api: Api;
  readonly fleets: Fleets;
  readonly workers: Workers;
  readonly installer: Installer;
  readonly alarms: Alarms;

  /** @throws Error for properties that can't be meant. */
  constructor(scope: Construct, id: string, props: ControlPlaneProps = {}) {
    super(scope, id);
    const { transport = "stream", requestsPerSecond = 1_000, reserveConcurrency = true, sourceMaps = false } = props;
    const { architecture = Architecture.ARM_64, logRetention = RetentionDays.ONE_MONTH, bundles = packedBundles } = props;
    const network = networkOf(props);
    this.tables = new Tables(this, "Tables", props);
    this.events = new Events(this, "Events", props);
    const settings = { bundles, architecture, logRetention, sourceMaps, tables: this.tables };
    const access = nodeAccess(props);
    const way = { settings, transport, access: apiAccess(props), nodeAccess: access, network, requestsPerSecond };
    this.api = new Api(this, "Api", way);
    const common = { settings, events: this.events, reserveConcurrency };
    this.fleets = new Fleets(this, "Fleets", { ...common, access, network, isAtWork: props.fleet ?? true });
    this.workers = new Workers(this, "Workers", { ...common, fleets: this.fleets });
    this.installer = new Installer(this, "Installer", { settings });
    const parts = { api: this.api, fleets: this.fleets, workers: this.workers, tables: this.tables };
    this.alarms = new Alarms(this, "Alarms", { ...parts, topic: props.alarmTopic });
    if (props.dashboard !== false) new Dashboard(this, "Dashboard", { ...parts, events: this.events, alarms: this.alarms });
  }

  /** Gives the stack the outputs that `windlass kubeconfig --stack <name>` reads, and others for people. Once a stack. */
  addOutputs(): void {
    const stack = Stack.of(this);
    const output = (id: string, value: string, description: string) => new CfnOutput(stack, id, { value, description });
    output("Url", this.api.url, "The API");
    output("AdminTokenSecret", this.installer.secret.secretArn, "The secret with the first token, of an admin");
    output("Installer", this.installer.handler.function.functionName, "The function that makes the first token");
    output("LogTable", this.tables.log.tableName, "The table with the logs");
    output("ObjectsTable", this.tables.objects.tableName, "The table with rows, markers and cells");
    output("Bus", this.events.bus.eventBusName, "The bus with all changes");
    output("FirstSteps", firstSteps(stack.stackName), "How kubectl gets in");
  }
}

/** Beside this file's folder, as `npm run build` leaves them. */
const packedBundles = join(import.meta.dirname, "..", "bundles");

const firstSteps = (stackName: string): string =>
  `npx windlass kubeconfig --stack ${stackName} > kubeconfig && KUBECONFIG=kubeconfig kubectl get nodes`;

function networkOf({ vpc, vpcSubnets, securityGroups }: ControlPlaneProps): Network | undefined {
  if (vpc === undefined) {
    if (vpcSubnets === undefined && securityGroups === undefined) return undefined;
    throw new Error("vpcSubnets and securityGroups mean nothing without vpc");
  }
  return { vpc, ...(vpcSubnets !== undefined && { vpcSubnets }), ...(securityGroups !== undefined && { securityGroups }) };
}
