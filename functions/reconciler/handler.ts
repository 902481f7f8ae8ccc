/** Lambda: woken by the queue of wake-ups, it keeps services at their replicas and brings tasks on, on whatever nodes are there. */
import { systemClock } from "../../shared/base/clock.ts";
import { systemIds } from "../../shared/base/ids.ts";
import { jsonLogger } from "../../shared/base/logger.ts";
import { once } from "../../shared/base/once.ts";
import { openDynamo } from "../aws/dynamo-ports.ts";
import { engineVariables, openNodeEngine, stackSecrets } from "../aws/engines.ts";
import { queueVariables, readEnvironment, tableVariables } from "../aws/environment.ts";
import { sqsWakeQueue } from "../aws/sqs-wake-queue.ts";
import { openFleetShop } from "./fleet-shop.ts";
import { reconcileHandler } from "./reconcile.ts";

const settings = readEnvironment({ ...tableVariables, ...queueVariables, ...engineVariables }, process.env);
const logger = jsonLogger((line) => process.stderr.write(line), systemClock.now);
const common = { clock: systemClock, ids: systemIds, logger };

export const handler = reconcileHandler(
  once(() =>
    openFleetShop({
      ...common,
      ...openDynamo(settings),
      queue: sqsWakeQueue(settings.WINDLASS_FLEET_QUEUE),
      secrets: stackSecrets(settings, systemClock),
      open: openNodeEngine(settings),
    }),
  ),
);
