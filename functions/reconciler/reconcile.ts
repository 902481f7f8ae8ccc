/**
 * The reconciler without its surroundings: a round for each cluster that a batch of wake-ups names, in the time there is. What must wait
 * is woken again after it, each time a little later; what waits for longer than a minute is left to the healer's schedule.
 */
import { Clearance } from "../../shared/fleet/clearance.ts";
import type { FleetRound } from "../../shared/fleet/cluster-fleet.ts";
import type { Cluster } from "../../shared/kinds/cluster.ts";
import type { Store } from "../../shared/state/store.ts";
import { isNotedAsCleared, noteCleared } from "../aws/clearings.ts";
import { type LambdaContext, timeOf } from "../aws/invocation.ts";
import { waitsMax } from "../aws/wake-queue.ts";
import type { FleetShop } from "./fleet-shop.ts";
import { answerOf, type BatchAnswer, type Woken, wokenBy } from "./records.ts";

/** A round that is told to end does so in this time: what an engine was asked is answered, or given up. */
const reserveMs = 20_000;
/** Clusters that are worked on at once. */
const atOnce = 4;
/** The healer wakes every cluster that has nodes this often. */
const scheduleMs = 60_000;
/** The first wait for what is under way; it doubles with each. */
const firstWaitSeconds = 1;

export type ReconcileHandler = (event: unknown, context: LambdaContext) => Promise<BatchAnswer>;

export const reconcileHandler =
  (open: () => Promise<FleetShop>): ReconcileHandler =>
  async (event, context) => {
    const woken = wokenBy(event);
    const shop = await open();
    const { signal } = timeOf(context, shop.clock, reserveMs);
    const failed: Woken[] = [];
    const waiting = woken.values();
    const work = async (): Promise<void> => {
      for (const each of waiting) if (signal.aborted || !(await isWell(shop, each, signal))) failed.push(each);
    };
    await Promise.all(Array.from({ length: Math.min(atOnce, woken.length) }, work));
    return answerOf(failed);
  };

/** Whether its wake-ups are done with. Never rejects. */
async function isWell(shop: FleetShop, woken: Woken, signal: AbortSignal): Promise<boolean> {
  const { clusters, logger } = shop;
  let store: Store | undefined;
  try {
    const deleted = await deletedCluster(shop, woken.cluster);
    if (deleted !== undefined) {
      await clear(shop, deleted, signal);
      return true;
    }
    store = await clusters.storeOf(woken.cluster);
    // Gone, or the root.
    if (store === undefined || store === clusters.root) return true;
    const round = await roundOf(shop, store, woken, signal);
    await wakeAgain(shop, woken, round, signal);
    return true;
  } catch (error) {
    if (store !== undefined && (await isOver(shop, store, error))) return true;
    logger.log("error", "a cluster's fleet can't be looked after now", { cluster: woken.cluster, error });
    return false;
  }
}

/** The Cluster, if its log is sealed and all of it is to go. */
async function deletedCluster({ clusters }: FleetShop, uid: string): Promise<Cluster | undefined> {
  const { value: cluster } = await clusters.root.view((transaction) => transaction.clusters.getById(uid));
  const isSealed = cluster?.metadata.deletionTimestamp !== undefined && cluster.status?.state === "deleting";
  return isSealed ? cluster : undefined;
}

/** What is left after it comes with the healer's next wake-up. */
async function clear(shop: FleetShop, cluster: Cluster, signal: AbortSignal): Promise<void> {
  const { uid } = cluster.metadata;
  if (await isNotedAsCleared(uid, shop)) return;
  if (await new Clearance(shop).clear(cluster, signal)) await noteCleared(uid, shop);
}

async function roundOf(shop: FleetShop, store: Store, { health }: Woken, signal: AbortSignal): Promise<FleetRound> {
  await using fleet = shop.fleetOf(store);
  return await fleet.round({ signal, withHealth: health });
}

async function isOver({ clusters, logger }: FleetShop, store: Store, error: unknown): Promise<boolean> {
  try {
    if (!(await clusters.isOver(store, error))) return false;
    const name = await clusters.nameOf(store.uid);
    if (name !== undefined) clusters.forget(name, store.uid);
    return true;
  } catch (unclear) {
    logger.log("warn", "whether a cluster is there can't be found out", { cluster: store.uid, error: unclear });
    return false;
  }
}

async function wakeAgain(
  { queue, clock }: FleetShop,
  { cluster, waits }: Woken,
  { again, wakeAt }: FleetRound,
  signal: AbortSignal,
): Promise<void> {
  if (signal.aborted && again) return queue.send([{ cluster }]);
  const afterMs = Math.min(
    again ? firstWaitSeconds * 1_000 * 2 ** waits : Number.POSITIVE_INFINITY,
    wakeAt === undefined ? Number.POSITIVE_INFINITY : Math.max(0, wakeAt - clock.now()),
  );
  if (afterMs >= scheduleMs) return;
  await queue.send([{ cluster, waits: again ? Math.min(waits + 1, waitsMax) : 0 }], Math.ceil(afterMs / 1_000));
}
