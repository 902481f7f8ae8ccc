/**
 * A deployment as its operator sees it, behind the API: its functions by their roles, its tables through the ports, and the stream's
 * mapping, which can be switched off. Nothing of the deployment knows of this.
 */
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { CloudFormationClient, DescribeStackResourcesCommand } from "@aws-sdk/client-cloudformation";
import {
  GetEventSourceMappingCommand,
  GetFunctionConfigurationCommand,
  InvokeCommand,
  LambdaClient,
  UpdateEventSourceMappingCommand,
  UpdateFunctionConfigurationCommand,
  waitUntilFunctionUpdatedV2,
} from "@aws-sdk/client-lambda";
import { expect, vi } from "vitest";
import { systemClock } from "../../shared/base/clock.ts";
import { closeClients, type DynamoClients, openClients } from "../../shared/log/dynamodb/clients.ts";
import { DynamoLog } from "../../shared/log/dynamodb/log.ts";
import { DynamoObjects } from "../../shared/log/dynamodb/objects.ts";
import type { Log, Objects } from "../../shared/log/ports.ts";
import type { Outputs } from "./deployment.ts";
import { localConfig } from "./tables.ts";

export type Place = { readonly endpoint: string; readonly stack: string; readonly outputs: Outputs };

/** What their resources' ids in the template begin with. */
const resources = {
  api: "ControlPlaneApiHandlerFunction",
  publisher: "ControlPlaneWorkersPublisherFunction",
  wake: "ControlPlaneWorkersWake",
} as const;

type Variables = Readonly<Record<string, string>>;
const updateSecondsMax = 60;

export class Backstage {
  readonly ports: { readonly log: Log; readonly objects: Objects };
  readonly #names: Readonly<Record<keyof typeof resources, string>>;
  readonly #lambda: LambdaClient;
  readonly #clients: DynamoClients;

  private constructor({ endpoint, outputs }: Place, names: Readonly<Record<keyof typeof resources, string>>) {
    this.#names = names;
    this.#lambda = new LambdaClient(localConfig(endpoint));
    this.#clients = openClients(localConfig(endpoint));
    const common = { clients: this.#clients, clock: systemClock };
    this.ports = {
      log: new DynamoLog({ ...common, table: outputs.LogTable }),
      objects: new DynamoObjects({ ...common, table: outputs.ObjectsTable }),
    };
  }

  /** Close it. */
  static async open(place: Place): Promise<Backstage> {
    const formation = new CloudFormationClient(localConfig(place.endpoint));
    const { StackResources: all = [] } = await formation.send(new DescribeStackResourcesCommand({ StackName: place.stack }));
    formation.destroy();
    const named = (beginning: string): string => {
      const found = all.find(({ LogicalResourceId: id }) => id?.startsWith(beginning));
      if (found?.PhysicalResourceId === undefined) throw new Error(`the stack has no ${beginning}`);
      return found.PhysicalResourceId;
    };
    const { api, publisher, wake } = resources;
    return new Backstage(place, { api: named(api), publisher: named(publisher), wake: named(wake) });
  }

  close(): void {
    this.#lambda.destroy();
    closeClients(this.#clients);
  }

  /** Whether the stream wakes the publisher, from when this resolves. */
  async wakePublisher(isOn: boolean): Promise<void> {
    const mapping = { UUID: this.#names.wake };
    await this.#lambda.send(new UpdateEventSourceMappingCommand({ ...mapping, Enabled: isOn }));
    const isDone = async (): Promise<void> => {
      const { State } = await this.#lambda.send(new GetEventSourceMappingCommand(mapping));
      expect(State).toBe(isOn ? "Enabled" : "Disabled");
    };
    await vi.waitFor(isDone, { timeout: updateSecondsMax * 1_000, interval: 100 });
  }

  /** Invokes the publisher as its stream does. @throws Error when it fails. */
  async publish(records: readonly object[]): Promise<unknown> {
    const { publisher: FunctionName } = this.#names;
    const invoke = new InvokeCommand({ FunctionName, Payload: JSON.stringify({ Records: records }) });
    const { FunctionError: error, Payload: said } = await this.#lambda.send(invoke);
    const text = said?.transformToString() ?? "";
    if (error !== undefined) throw new Error(text);
    return JSON.parse(text);
  }

  /** Gives a function `more` variables; it begins anew, in new environments. Gives back what takes them away again. */
  async giveVariables(name: "api" | "publisher", more: Variables): Promise<() => Promise<void>> {
    const FunctionName = this.#names[name];
    const { Environment } = await this.#lambda.send(new GetFunctionConfigurationCommand({ FunctionName }));
    const before = Environment?.Variables ?? {};
    const set = async (Variables: Variables): Promise<void> => {
      await this.#lambda.send(new UpdateFunctionConfigurationCommand({ FunctionName, Environment: { Variables } }));
      await waitUntilFunctionUpdatedV2({ client: this.#lambda, maxWaitTime: updateSecondsMax }, { FunctionName });
    };
    await set({ ...before, ...more });
    return () => set(before);
  }

  /** Kills the processes that the function's environments are here (serve.py); how many there were. */
  async kill(name: "api" | "publisher"): Promise<number> {
    const { stdout } = await promisify(execFile)("ps", ["-A", "-ww", "-o", "pid=", "-o", "args="]);
    const lines = stdout.split("\n").map((line) => line.trim().split(/\s+/));
    const ids = lines.filter((line) => line.some((word) => word.endsWith("/bootstrap.mjs")) && line.at(-1) === this.#names[name]);
    for (const [id] of ids) process.kill(Number(id), "SIGKILL");
    return ids.length;
  }
}
