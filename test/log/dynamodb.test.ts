/** The ports' conformance suites on DynamoDB: DynamoDB Local inside LocalStack. What only this adapter does is in dynamodb-*.test.ts. */
import { describe } from "vitest";
import { systemClock } from "../../shared/base/clock.ts";
import { DynamoCells } from "../../shared/log/dynamodb/cells.ts";
import { closeClients, openClients } from "../../shared/log/dynamodb/clients.ts";
import { DynamoLog } from "../../shared/log/dynamodb/log.ts";
import { DynamoObjects } from "../../shared/log/dynamodb/objects.ts";
import { localStack } from "../component.ts";
import { cellsConformance } from "../conformance/cells.ts";
import { logConformance } from "../conformance/log.ts";
import { objectsConformance } from "../conformance/objects.ts";
import type { OpenedPorts } from "../conformance/ports.ts";
import { createTables, localConfig } from "../localstack/tables.ts";

const endpoint = await localStack();
/** Each run of a property is some dozen requests of some milliseconds. */
const runs = 5;

async function open(at: string): Promise<OpenedPorts> {
  const { names, drop } = await createTables(at);
  const clients = openClients(localConfig(at));
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

describe.skipIf(endpoint === undefined)("on DynamoDB", () => {
  for (const conforms of [logConformance, objectsConformance, cellsConformance]) {
    conforms("dynamodb", () => open(endpoint ?? ""), { runs });
  }
});
