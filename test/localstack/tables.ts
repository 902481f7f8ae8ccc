/** The two tables of shared/log/dynamodb/tables.ts, made for one test file under random names and deleted with it. */
import { randomUUID } from "node:crypto";
import { CreateTableCommand, DeleteTableCommand, DynamoDBClient, UpdateTimeToLiveCommand } from "@aws-sdk/client-dynamodb";
import { logTable, objectsTable, type TableDefinition } from "../../shared/log/dynamodb/tables.ts";

export type TableNames = { readonly log: string; readonly objects: string };

/** What an AWS client needs to talk to LocalStack, or to any other stand-in. */
export const localConfig = (endpoint: string) => ({
  endpoint,
  region: "us-east-1",
  credentials: { accessKeyId: "test", secretAccessKey: "test" },
});

/** Makes both tables; `drop` deletes them. The first table of a run waits seconds for DynamoDB Local to start. */
export async function createTables(endpoint: string): Promise<{ readonly names: TableNames; drop(): Promise<void> }> {
  const client = new DynamoDBClient(localConfig(endpoint));
  const life = randomUUID().slice(0, 8);
  const names: TableNames = { log: `Log-${life}`, objects: `Objects-${life}` };
  await createTable(client, names.log, logTable);
  await createTable(client, names.objects, objectsTable);
  return {
    names,
    async drop() {
      for (const name of [names.log, names.objects]) await client.send(new DeleteTableCommand({ TableName: name }));
      client.destroy();
    },
  };
}

async function createTable(client: DynamoDBClient, name: string, definition: TableDefinition): Promise<void> {
  const { partitionKey, sortKey, stream, timeToLive } = definition;
  await client.send(
    new CreateTableCommand({
      TableName: name,
      BillingMode: "PAY_PER_REQUEST",
      KeySchema: [
        { AttributeName: partitionKey.name, KeyType: "HASH" },
        { AttributeName: sortKey.name, KeyType: "RANGE" },
      ],
      AttributeDefinitions: [partitionKey, sortKey].map(({ name, type }) => ({ AttributeName: name, AttributeType: type })),
      ...(stream && { StreamSpecification: { StreamEnabled: true, StreamViewType: stream } }),
    }),
  );
  if (timeToLive === undefined) return;
  const specification = { AttributeName: timeToLive, Enabled: true };
  await client.send(new UpdateTimeToLiveCommand({ TableName: name, TimeToLiveSpecification: specification }));
}
