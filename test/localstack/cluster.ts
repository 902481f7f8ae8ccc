/** A cluster of a case's own in a deployment: where it is, and whose log it has. */
import { expect } from "vitest";
import { type Client, group } from "../cases/client.ts";
import { entriesOf, eventIds, expectSettled } from "../functions/settled.ts";
import type { Backstage } from "./backstage.ts";
import type { BusQueue } from "./bus-queue.ts";

export type MadeCluster = { readonly path: string; readonly uid: string };

export async function makeCluster(client: Client, name: string): Promise<MadeCluster> {
  const made = { apiVersion: "windlass.dev/v1", kind: "Cluster", metadata: { name }, spec: {} };
  const { status, body } = await client.post(`${group}/clusters`, made);
  expect(status).toBe(201);
  const path = `/clusters/${name}`;
  // Asked for the first time, its life begins.
  expect((await client.get(`${path}${group}/nodes`)).status).toBe(200);
  return { path, uid: String(body["metadata"]?.["uid"]) };
}

/** The newest revision of its log. */
export async function headOf({ ports }: Backstage, uid: string): Promise<number> {
  return (await entriesOf(ports, uid)).at(-1)?.revision ?? 0;
}

/** Waits until the markers stand at the head; then rows are as the log says, and each of its events came, and nothing else of it. */
export async function settled(backstage: Backstage, queue: BusQueue, { uid, seconds = 30 }: { uid: string; seconds?: number }) {
  const { ports } = backstage;
  const head = await headOf(backstage, uid);
  const markers = { timeout: seconds * 1_000, interval: 200 };
  await expect.poll(() => ports.objects.markers(uid), markers).toMatchObject({ applied: head, published: head });
  await queue.readIds(eventIds(uid, await entriesOf(ports, uid)));
  await expectSettled(ports, uid, queue.came);
}
