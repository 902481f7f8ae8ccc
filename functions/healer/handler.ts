/** Lambda: each minute it wakes the fleets that have nodes, repairs what the publisher left, strips old entries, and measures the lag. */
import { systemClock } from "../../shared/base/clock.ts";
import { systemIds } from "../../shared/base/ids.ts";
import { jsonLogger } from "../../shared/base/logger.ts";
import { once } from "../../shared/base/once.ts";
import { EventBridgeBus, openEventBridge } from "../../shared/routes/targets/event-bridge.ts";
import { openDynamo } from "../aws/dynamo-ports.ts";
import {
  busVariables,
  queueVariables,
  readEnvironment,
  stackVariables,
  tableVariables,
  wordVariable,
} from "../aws/environment.ts";
import { sqsWakeQueue } from "../aws/sqs-wake-queue.ts";
import { openWorkshop } from "../aws/workshop.ts";
import { healHandler } from "./heal.ts";

const variables = {
  ...tableVariables,
  ...busVariables,
  ...queueVariables,
  ...stackVariables,
  WINDLASS_METRICS_NAMESPACE: wordVariable,
};
const settings = readEnvironment(variables, process.env);
const logger = jsonLogger((line) => process.stderr.write(line), systemClock.now);

export const handler = healHandler({
  queue: sqsWakeQueue(settings.WINDLASS_FLEET_QUEUE),
  place: { namespace: settings.WINDLASS_METRICS_NAMESPACE, stack: settings.WINDLASS_STACK },
  write: (line) => process.stdout.write(line),
  open: once(() => {
    const bus = new EventBridgeBus({ client: openEventBridge(), bus: settings.WINDLASS_BUS });
    return openWorkshop({ ...openDynamo(settings), bus, clock: systemClock, ids: systemIds, logger });
  }),
});
