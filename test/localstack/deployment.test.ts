/**
 * The serverless deployment as someone installs it, on LocalStack: `cdk deploy`, the way in, the cases that every host passes, a change
 * of the stack, `cdk destroy`.
 */
import { randomUUID } from "node:crypto";
import { DeleteTableCommand, DynamoDBClient, ListTablesCommand, ScanCommand } from "@aws-sdk/client-dynamodb";
import { EventBridgeClient, ListEventBusesCommand } from "@aws-sdk/client-eventbridge";
import { LambdaClient, ListFunctionsCommand } from "@aws-sdk/client-lambda";
import { ListSecretsCommand, SecretsManagerClient } from "@aws-sdk/client-secrets-manager";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Client, group, node, type Target, unique } from "../cases/client.ts";
import { httpCases } from "../cases/http.ts";
import { localStack } from "../component.ts";
import { canStartEngines } from "../docker/requirements.ts";
import { kubectls, type } from "../local/kubectl.ts";
import { crashCases } from "./crashes.ts";
import { deliveryCases } from "./delivery.ts";
import { Deployment, type Outputs } from "./deployment.ts";
import { derivationCases } from "./derivation.ts";
import { fleetCases } from "./fleet.ts";
import { localConfig } from "./tables.ts";
import { writerCases } from "./writers.ts";

const endpoint = await localStack();
const installed = endpoint === undefined ? [] : await kubectls();
const nodes = `${group}/nodes`;

describe.skipIf(endpoint === undefined)("the deployment", () => {
  let deployment: Deployment;
  let outputs: Outputs;
  let target: Target;
  let kubeconfig: string;
  let isThere = false;
  const client = new Client(() => target);
  const config = () => localConfig(endpoint ?? "");

  beforeAll(async () => {
    deployment = await Deployment.begin({ endpoint: endpoint ?? "", stack: `Windlass-${randomUUID().slice(0, 8)}` });
    await deployment.bootstrap();
    isThere = true;
    // Nobody else writes what the cases write, until the fleet has its turn.
    outputs = await deployment.deploy("fleet=off");
    const way = await deployment.kubeconfig();
    kubeconfig = way.file;
    // LocalStack's one port speaks both; `fetch` would check its certificate.
    const baseUrl = way.server.replace("https:", "http:");
    target = { baseUrl, token: way.token, transport: "buffer", fetch: (url, init) => fetch(url, init) };
  });
  afterAll(async () => {
    if (isThere) await deployment.destroy();
    await deployment?.end();
  });

  httpCases("through API Gateway", () => target);

  describe("what listens on the bus", () => deliveryCases(client, () => ({ endpoint: endpoint ?? "", bus: outputs.Bus })));

  it("a token that nobody made gets 401", async () => {
    const { status, body } = await client.get(nodes, { token: `wl_${randomUUID()}_${"a".repeat(43)}` });
    expect([status, body["kind"]]).toEqual([401, "Status"]);
  });

  it.each(installed)("kubectl $version goes in with the kubeconfig of its stack, over TLS", async (kubectl) => {
    const name = unique("walk");
    await client.post(nodes, node(name));
    const typed = await type(kubectl, kubeconfig, "get", "nodes", name, "-o", "name");
    expect(typed).toEqual({ code: 0, out: `node.windlass.dev/${name}\n`, err: "" });
  });

  const place = () => ({ endpoint: endpoint ?? "", stack: deployment.stack, outputs });
  const manyWriters = () => describe("many writers", () => writerCases(client, place));
  describe("what derives from the logs", () => derivationCases(client, place, manyWriters));
  // The functions of a LocalStack that somebody else has started are not this machine's processes.
  describe.skipIf(process.env["AWS_ENDPOINT_URL"])("a function that is killed", () => crashCases(client, place));

  it("a change of the stack keeps what is in it, and its first token", async () => {
    const name = unique("kept");
    await client.post(nodes, node(name));
    expect(await deployment.deploy("removal=retain")).toEqual(outputs);
    expect((await deployment.kubeconfig()).token).toBe(target.token);
    expect(await client.get(`${nodes}/${name}`)).toMatchObject({ status: 200, body: { metadata: { name } } });
  });

  describe.skipIf(!canStartEngines())("a fleet", () => fleetCases(client));

  it("cdk destroy leaves the tables, if they are to stay, and nothing else", async () => {
    await deployment.destroy("removal=retain");
    isThere = false;
    const tables = new DynamoDBClient(config());
    const { TableNames: left = [] } = await tables.send(new ListTablesCommand());
    expect(left.filter((name) => name.startsWith(deployment.stack)).sort()).toEqual([outputs.LogTable, outputs.ObjectsTable]);
    for (const TableName of [outputs.LogTable, outputs.ObjectsTable]) {
      expect((await tables.send(new ScanCommand({ TableName, Limit: 1 }))).Count).toBe(1);
      await tables.send(new DeleteTableCommand({ TableName }));
    }
    expect(await remains()).toEqual([]);
    expect((await client.get("/healthz")).status).toBe(404);
    tables.destroy();
  });

  /** Names of functions, buses and secrets that are the stack's. */
  async function remains(): Promise<string[]> {
    const functions = await new LambdaClient(config()).send(new ListFunctionsCommand({ MaxItems: 1_000 }));
    const buses = await new EventBridgeClient(config()).send(new ListEventBusesCommand({}));
    const secrets = await new SecretsManagerClient(config()).send(new ListSecretsCommand({}));
    const names = [
      ...(functions.Functions ?? []).map(({ FunctionName }) => FunctionName),
      ...(buses.EventBuses ?? []).map(({ Name }) => Name),
      ...(secrets.SecretList ?? []).map(({ Name }) => Name),
    ];
    const own = deployment.stack.replaceAll("-", "");
    return names.flatMap((name) => (name?.replaceAll("-", "").startsWith(own) ? [name] : []));
  }
});
