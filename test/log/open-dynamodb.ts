/** The DynamoDB adapter on tables of its own in LocalStack. */
import { systemClock } from "../../shared/base/clock.ts";
import { DynamoCells } from "../../shared/log/dynamodb/cells.ts";
import { closeClients, openClients } from "../../shared/log/dynamodb/clients.ts";
import { DynamoLog } from "../../shared/log/dynamodb/log.ts";
import { DynamoObjects } from "../../shared/log/dynamodb/objects.ts";
import type { OpenedPorts } from "../conformance/ports.ts";
import { createTables, localConfig } from "../localstack/tables.ts";

export async function openTemporaryDynamo(endpoint: string): Promise<OpenedPorts> {
  const { names, drop } = await createTables(endpoint);
  const clients = openClients(localConfig(endpoint));
  return {
    log: new DynamoLog({ clients, table: names.log, clock: systemClock }),
    objects: new DynamoObjects({ clients, table: names.objects, clock: systemClock }),
    cells: new DynamoCells({ clients, table: names.objects }),
    async close() {
      closeClients(clients);
      await drop();
    },
  };
}
