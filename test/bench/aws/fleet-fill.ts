/** Fleets of a deployment that is installed, made through its API as people make them, and what people do with them. */
import assert from "node:assert";
import { runs } from "../../fleet/commands.ts";
import { nodeName } from "../store/open.ts";
import { type Deployment, expectStatus } from "./deployment.ts";

/** Of the default cluster's. */
export const fleetSize = { nodes: 20, tasks: 60 } as const;

const apiVersion = "windlass.dev/v1";
const base = `/apis/${apiVersion}`;
const services = `${base}/namespaces/default/services`;
const template = { spec: { image: "busybox", command: runs, stopGracePeriod: "1s" } };
const post = (deployment: Deployment, path: string, object: object) =>
  expectStatus(deployment, { method: "POST", path, body: { apiVersion, ...object } }, 201);

/** The default cluster's, at rest. */
export async function fillFleet(deployment: Deployment): Promise<void> {
  const { nodes, tasks: replicas } = fleetSize;
  for (let index = 0; index < nodes; index += 1) await addNode(deployment, base, index);
  await post(deployment, services, { kind: "Service", metadata: { name: "web" }, spec: { replicas, template } });
  await settle(deployment);
  assert.equal(deployment.reconcilers.running, replicas, "all tasks run");
}

/** `count` further clusters of a node each, at rest. */
export async function addSmallFleets(deployment: Deployment, count: number): Promise<void> {
  for (let index = 0; index < count; index += 1) {
    const name = `small-${index}`;
    await post(deployment, `${base}/clusters`, { kind: "Cluster", metadata: { name } });
    await addNode(deployment, `/clusters/${name}${base}`, fleetSize.nodes + index);
  }
  await settle(deployment);
}

/** To so many tasks, all of them running. */
export async function scale(deployment: Deployment, replicas: number): Promise<void> {
  await expectStatus(deployment, { method: "PATCH", path: `${services}/web`, body: { spec: { replicas } } }, 200);
  await settle(deployment);
  assert.equal(deployment.reconcilers.running, replicas, "as many tasks run as are asked for");
}

/** A change of a node that nothing follows from, to the end of the round that it wakes. */
export async function changeNode(deployment: Deployment, change: number): Promise<void> {
  const body = { metadata: { annotations: { change: String(change) } } };
  await expectStatus(deployment, { method: "PATCH", path: `${base}/nodes/${nodeName(0)}`, body }, 200);
  await settle(deployment);
}

/** The round that the healer's schedule asks for, of the default cluster alone. */
export async function minuteRound(deployment: Deployment): Promise<void> {
  const { clusters } = await deployment.workshop();
  const store = await clusters.resolve("default");
  assert(store !== undefined, "the default cluster is there");
  await deployment.reconcilers.queue.sender.send([{ cluster: store.uid, health: true }]);
  await deployment.reconcile();
}

/** The schedule's whole minute. */
export async function minute(deployment: Deployment): Promise<void> {
  await deployment.heal();
  await settle(deployment);
}

async function settle(deployment: Deployment): Promise<void> {
  await deployment.publish();
  await deployment.reconcile();
}

async function addNode(deployment: Deployment, at: string, index: number): Promise<void> {
  const metadata = { name: nodeName(index), labels: { zone: `zone-${index % 3}` } };
  await post(deployment, `${at}/nodes`, { kind: "Node", metadata, spec: { address: `tcp://10.0.0.${index + 1}:2375` } });
}
