/** Lambda: woken by the Log table's stream, it brings rows, markers and events of the clusters that were written forward. */
import { systemClock } from "../../shared/base/clock.ts";
import { systemIds } from "../../shared/base/ids.ts";
import { jsonLogger } from "../../shared/base/logger.ts";
import { once } from "../../shared/base/once.ts";
import { EventBridgeBus, openEventBridge } from "../../shared/routes/targets/event-bridge.ts";
import { openDynamo } from "../aws/dynamo-ports.ts";
import { busVariables, readEnvironment, tableVariables } from "../aws/environment.ts";
import { openWorkshop } from "../aws/workshop.ts";
import { publishHandler } from "./publish.ts";

const settings = readEnvironment({ ...tableVariables, ...busVariables }, process.env);
const logger = jsonLogger((line) => process.stderr.write(line), systemClock.now);

export const handler = publishHandler(
  once(() => {
    const bus = new EventBridgeBus({ client: openEventBridge(), bus: settings.WINDLASS_BUS });
    return openWorkshop({ ...openDynamo(settings), bus, clock: systemClock, ids: systemIds, logger });
  }),
);
