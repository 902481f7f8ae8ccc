/** What a month's bill is made of, counted: rounds of the healer and of a fleet, single requests, and what the template holds. */
import * as z from "zod";
import { type Resources, templateOf } from "../../cdk/synth.ts";
import { createTables } from "../../localstack/tables.ts";
import { nodeName, nodeOf } from "../store/open.ts";
import type { Usage } from "./bill.ts";
import { Deployment } from "./deployment.ts";
import { changeNode, fillFleet, minuteRound } from "./fleet-fill.ts";
import { queuePolls } from "./prices.ts";

const base = "/apis/windlass.dev/v1";

export type Counted = Held & {
  /** Of the healer, without a fleet. */
  readonly round: Usage;
  /** The round of a day that also sweeps. */
  readonly sweep: Usage;
  readonly moreRound: Usage;
  readonly write: Usage;
  readonly read: Usage;
  /** Of one's own. */
  readonly metrics: number;
  /** The reconciler's each minute, with its wake-up. */
  readonly fleetRound: Usage;
  /** A change of a fleet, and the round that it wakes. */
  readonly fleetWrite: Usage;
};

/** By the template. */
type Held = {
  readonly alarms: number;
  readonly dashboards: number;
  readonly secrets: number;
  readonly queues: number;
  readonly logGroups: number;
  /** Of a minute, on all queues that wake a function, when they are empty. */
  readonly polls: number;
};

export async function count(endpoint: string): Promise<Counted> {
  const { metrics, ...state } = await withDeployment(endpoint, countState);
  const fleet = await withDeployment(endpoint, countFleet);
  return { ...state, ...fleet, ...held(), metrics };
}

async function withDeployment<T>(endpoint: string, work: (deployment: Deployment) => Promise<T>): Promise<T> {
  const tables = await createTables(endpoint);
  const deployment = new Deployment(endpoint, tables.names);
  try {
    await deployment.install();
    return await work(deployment);
  } finally {
    await deployment.close();
    await tables.drop();
  }
}

async function countState(deployment: Deployment) {
  const call = (method: string, path: string, body?: object) => deployment.call({ method, path: base + path, body });
  await call("GET", "/nodes");
  await deployment.heal();
  await deployment.heal();
  const round = await during(deployment, () => deployment.heal());
  await call("POST", "/clusters", { apiVersion: "windlass.dev/v1", kind: "Cluster", metadata: { name: "more" } });
  await deployment.publish();
  await deployment.heal();
  const moreRound = await during(deployment, () => deployment.heal());
  const sweep = await during(deployment, () => deployment.sweep());
  await call("POST", "/nodes", { ...nodeOf(nodeName(0)) });
  await deployment.publish();
  const write = await during(deployment, async () => {
    await call("PATCH", `/nodes/${nodeName(0)}`, { metadata: { annotations: { change: "1" } } });
    await deployment.publish();
  });
  const read = await during(deployment, () => call("GET", `/nodes/${nodeName(0)}`));
  return { round, sweep, moreRound, write, read, metrics: deployment.metrics };
}

async function countFleet(deployment: Deployment) {
  await fillFleet(deployment);
  await minuteRound(deployment);
  const fleetRound = await during(deployment, () => minuteRound(deployment));
  const fleetWrite = await during(deployment, () => changeNode(deployment, 1));
  return { fleetRound, fleetWrite };
}

async function during(deployment: Deployment, act: () => Promise<unknown>): Promise<Usage> {
  deployment.take();
  await act();
  return deployment.take();
}

function held(): Held {
  const template = templateOf();
  const resources = (type: string): number => Object.keys(template.findResources(type)).length;
  const mappings = Object.values(template.findResources("AWS::Lambda::EventSourceMapping") as Resources);
  return {
    alarms: resources("AWS::CloudWatch::Alarm"),
    dashboards: resources("AWS::CloudWatch::Dashboard"),
    secrets: resources("AWS::SecretsManager::Secret"),
    queues: resources("AWS::SQS::Queue"),
    logGroups: resources("AWS::Logs::LogGroup"),
    polls: mappings.reduce((sum, { Properties }) => sum + pollsOf(Properties), 0),
  };
}

const mapping = z.object({
  Enabled: z.boolean().optional(),
  /** Only queues' have none. */
  StartingPosition: z.string().optional(),
  ScalingConfig: z.object({ MaximumConcurrency: z.number() }).optional(),
});

/** Of a minute, of one mapping. */
function pollsOf(properties: unknown): number {
  const { Enabled = true, StartingPosition, ScalingConfig } = mapping.parse(properties);
  if (!Enabled || StartingPosition !== undefined) return 0;
  const pollers = ScalingConfig === undefined ? queuePolls.pollersAtLeast : queuePolls.pollers;
  return pollers * (60 / queuePolls.pollSeconds);
}
