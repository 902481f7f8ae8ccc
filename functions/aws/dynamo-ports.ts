/** The ports on DynamoDB, as a function's variables name the tables. Region, credentials and endpoint are the SDK's own affair. */
import { systemClock } from "../../shared/base/clock.ts";
import { DynamoCells } from "../../shared/log/dynamodb/cells.ts";
import { openClients } from "../../shared/log/dynamodb/clients.ts";
import { DynamoLog } from "../../shared/log/dynamodb/log.ts";
import { DynamoObjects } from "../../shared/log/dynamodb/objects.ts";
import type { Cells, Log, Objects } from "../../shared/log/ports.ts";

export type Ports = { readonly log: Log; readonly objects: Objects; readonly cells: Cells };

export function openDynamo(names: { readonly WINDLASS_LOG_TABLE: string; readonly WINDLASS_OBJECTS_TABLE: string }): Ports {
  const clients = openClients();
  const common = { clients, clock: systemClock };
  return {
    log: new DynamoLog({ ...common, table: names.WINDLASS_LOG_TABLE }),
    objects: new DynamoObjects({ ...common, table: names.WINDLASS_OBJECTS_TABLE }),
    cells: new DynamoCells({ clients, table: names.WINDLASS_OBJECTS_TABLE }),
  };
}
