/**
 * The deployment on DynamoDB Local: the handlers that AWS runs, called as API Gateway, the stream, the schedule and the queue call them, with
 * what each asks for counted at its clients. The stream's wake-ups are handed over one by one, as they come to a deployment with little to
 * do: its dearest way.
 */
import assert from "node:assert";
import type { Writable } from "node:stream";
import { gunzipSync } from "node:zlib";
import * as z from "zod";
import { bufferedHandler, openApi, streamingHandler } from "../../../functions/api/api.ts";
import type { Ports } from "../../../functions/aws/dynamo-ports.ts";
import { openWorkshop, type Workshop } from "../../../functions/aws/workshop.ts";
import { healHandler } from "../../../functions/healer/heal.ts";
import { ensureFirstToken } from "../../../functions/installer/first-token.ts";
import { publishHandler } from "../../../functions/publisher/publish.ts";
import { type Clock, systemClock } from "../../../shared/base/clock.ts";
import { newSecret, systemIds } from "../../../shared/base/ids.ts";
import type { JsonObject } from "../../../shared/base/json.ts";
import { silentLogger } from "../../../shared/base/logger.ts";
import { once } from "../../../shared/base/once.ts";
import type { OpenEngine } from "../../../shared/fleet/nodes/engines.ts";
import { DynamoCells } from "../../../shared/log/dynamodb/cells.ts";
import { closeClients, openClients } from "../../../shared/log/dynamodb/clients.ts";
import { DynamoLog } from "../../../shared/log/dynamodb/log.ts";
import { DynamoObjects } from "../../../shared/log/dynamodb/objects.ts";
import { installationUid } from "../../../shared/state/cluster-lives.ts";
import { noSecrets } from "../../fleet/map-secrets.ts";
import { callStreaming, runtime } from "../../functions/runtime.ts";
import { contextOf, type StreamRecord, withStream } from "../../functions/stream.ts";
import { localConfig, type TableNames } from "../../localstack/tables.ts";
import { DynamoMeter, totalCost } from "../dynamodb-units.ts";
import { type FunctionName, memoryMb, nothing, type Usage } from "./bill.ts";
import { CountingBus } from "./counting-bus.ts";
import { proxyEventOf, type Request } from "./gateway.ts";
import { Reconcilers } from "./reconcilers.ts";
import { Waits } from "./waits.ts";
import { wakeRules } from "./wake-rules.ts";

export type Answer = { readonly status: number; readonly body: { readonly [name: string]: unknown } };

/** CloudWatch Logs: what it adds to each event. */
const logEventBytes = 26;
/** Lambda's own START, END and REPORT of an invocation: 300 bytes or so. */
const platformLogBytes = 300 + 3 * logEventBytes;
const minuteMs = 60_000;

/** As cdk/fleets.ts has it. */
const reconcilerMs = 5 * minuteMs;
/** Wake-ups of wake-ups: a fleet that does not come to rest in so many never does. */
const deliveriesMax = 100;

/** The API's: only the reconciler reaches engines. */
const noEngine: OpenEngine = ({ address }) => Promise.reject(new Error(`there is no engine at ${address}`));

export class Deployment {
  readonly meter = new DynamoMeter();
  /** Of one's own, as the healer's last line names them. */
  metrics = 0;
  readonly workshop: () => Promise<Workshop>;
  readonly ports: Ports;
  readonly reconcilers: Reconcilers;
  readonly #clients;
  readonly #waits = new Waits();
  readonly #bus = new CountingBus(this.#waits, (event) => this.#wake(event));
  readonly #wakeUpsOf = once(async () => wakeRules());
  readonly #records: StreamRecord[] = [];
  readonly #clock: Clock;
  #used: Usage = nothing;
  #written = 0;
  #token = "";
  #open;

  /** `clock` is the API's: watches go by it. */
  constructor(endpoint: string, names: TableNames, clock: Clock = systemClock) {
    this.#clients = openClients(localConfig(endpoint));
    for (const client of [this.#clients.single, this.#clients.retrying]) {
      this.meter.attach(client);
      this.#waits.attach(client);
    }
    const common = { clients: this.#clients, clock: systemClock };
    const log = withStream(new DynamoLog({ ...common, table: names.log }), (record) => void this.#records.push(record));
    const objects = new DynamoObjects({ ...common, table: names.objects });
    this.ports = { log, objects, cells: new DynamoCells({ ...common, table: names.objects }) };
    this.workshop = once(() => openWorkshop({ ...this.ports, ...surroundings, clock: systemClock, bus: this.#bus }));
    this.reconcilers = new Reconcilers(this.ports, this.#waits);
    this.#clock = clock;
    this.#open = this.#newEnvironment();
  }

  async install(): Promise<void> {
    const secret = {
      id: "first-token",
      read: async () => "made by the stack",
      write: async (text: string) => {
        this.#token = text;
      },
    };
    await ensureFirstToken({ secret, cells: this.ports.cells, clock: systemClock, ids: systemIds, newSecret });
  }

  /** The same installation, called with the same token. */
  beside(endpoint: string, names: TableNames, clock: Clock): Deployment {
    const other = new Deployment(endpoint, names, clock);
    other.#token = this.#token;
    return other;
  }

  /** The next request meets an environment that has read nothing yet. */
  coldStart(): void {
    this.#open = this.#newEnvironment();
  }

  async call(request: Request): Promise<Answer> {
    const handler = bufferedHandler({ open: this.#open, clock: this.#clock, logger: silentLogger });
    const result = await this.#invoke("api", () => handler(proxyEventOf(request, this.#token), contextOf(minuteMs)));
    const bytes = Buffer.from(result.body, result.isBase64Encoded ? "base64" : "utf8");
    this.#add({ apiRequests: 1, bytesOut: bytes.length });
    const plain = result.headers["content-encoding"] === "gzip" ? gunzipSync(bytes) : bytes;
    return { status: result.statusCode, body: JSON.parse(plain.toString()) as Answer["body"] };
  }

  /** A GET whose answer is streamed; resolves with its bytes when the server has ended it. */
  async watch(path: string, ms: number): Promise<number> {
    const handler = streamingHandler({ open: this.#open, clock: this.#clock, logger: silentLogger }, runtime);
    const call = async (event: unknown, stream: Writable): Promise<void> => handler(event, stream, contextOf(15 * minuteMs));
    const response = await callStreaming(call, { event: proxyEventOf({ path }, this.#token), context: contextOf(15 * minuteMs) });
    const { length } = new Uint8Array(await response.arrayBuffer());
    this.#add({ apiRequests: 1, bytesOut: length, invocations: [{ of: "api", ms }], logBytes: platformLogBytes });
    return length;
  }

  /** What was committed wakes the publisher, each entry once. */
  async publish(): Promise<void> {
    const handler = publishHandler(this.workshop);
    for (let record = this.#records.shift(); record !== undefined; record = this.#records.shift()) {
      const Records = [record];
      await this.#invoke("publisher", () => handler({ Records }, contextOf(minuteMs)));
      this.#add({ streamRecords: 1 });
    }
  }

  /** What waits in the queue, and what that wakes in turn, comes to the reconciler; what it commits is published. */
  async reconcile(): Promise<void> {
    const { queue, handler } = this.reconcilers;
    const invoke = (event: unknown) => this.#invoke("reconciler", () => handler(event, contextOf(reconcilerMs)));
    for (let deliveries = 0; await queue.deliver(invoke); deliveries += 1) {
      assert(deliveries < deliveriesMax, "the fleet comes to rest");
      await this.publish();
    }
  }

  async heal(): Promise<void> {
    const write = (line: string): void => {
      this.#written += Buffer.byteLength(line) + logEventBytes;
      this.metrics = metricsIn(line);
    };
    const handler = healHandler({
      open: this.workshop,
      queue: this.reconcilers.queue.sender,
      place: { namespace: "Windlass", stack: "Windlass" },
      write,
    });
    await this.#invoke("healer", () => handler({}, contextOf(minuteMs)));
    this.#add({ logBytes: this.#written });
    this.#written = 0;
  }

  /** The healer's round of a day that sweeps all clusters. */
  async sweep(): Promise<void> {
    const { cells } = this.ports;
    const state = await cells.get(installationUid, "healer");
    if (state !== undefined) await cells.delete(installationUid, state.key, state.version);
    this.meter.take();
    await this.heal();
  }

  /** What was used since the last call. */
  take(): Usage {
    const costs = this.meter.take();
    const { requests, readUnits, writeUnits } = totalCost(costs);
    const byOperation = Object.fromEntries(Object.entries(costs).map(([name, cost]) => [name, cost.requests]));
    const queueRequests = this.reconcilers.queue.take();
    const used = { ...this.#used, requests, byOperation, readUnits, writeUnits, queueRequests, ...this.#bus.take() };
    this.#used = nothing;
    return used;
  }

  async close(): Promise<void> {
    await this.reconcilers.close();
    (await this.workshop()).clusters.close();
    closeClients(this.#clients);
  }

  async #wake(event: JsonObject): Promise<void> {
    for (const message of (await this.#wakeUpsOf())(event)) this.reconcilers.queue.put(message);
  }

  #newEnvironment() {
    const settings = { WINDLASS_TRANSPORT: "stream", WINDLASS_IAM: undefined, WINDLASS_OIDC: undefined } as const;
    const parts = { ...this.ports, ...surroundings, clock: this.#clock, settings, secrets: noSecrets, open: noEngine };
    return once(() => openApi({ ...parts, release: "0.0.0-bench" }));
  }

  async #invoke<T>(of: FunctionName, call: () => Promise<T>): Promise<T> {
    const { value, ms } = await this.#waits.time(memoryMb[of], call);
    this.#add({ invocations: [{ of, ms }], logBytes: platformLogBytes });
    return value;
  }

  #add(more: Partial<Usage>): void {
    const used = this.#used;
    const counted = (name: "apiRequests" | "streamRecords" | "bytesOut" | "logBytes"): number => used[name] + (more[name] ?? 0);
    this.#used = {
      ...used,
      apiRequests: counted("apiRequests"),
      streamRecords: counted("streamRecords"),
      bytesOut: counted("bytesOut"),
      logBytes: counted("logBytes"),
      invocations: [...used.invocations, ...(more.invocations ?? [])],
    };
  }
}

/** The answer's body. @throws when it has another status. */
export async function expectStatus(deployment: Deployment, request: Request, status: number): Promise<Answer["body"]> {
  const answer = await deployment.call(request);
  assert(answer.status === status, `${request.method ?? "GET"} ${request.path}: ${JSON.stringify(answer)}`);
  return answer.body;
}

const metricLine = z.object({ _aws: z.object({ CloudWatchMetrics: z.array(z.object({ Metrics: z.array(z.unknown()) })) }) });

const metricsIn = (line: string): number =>
  metricLine.parse(JSON.parse(line))._aws.CloudWatchMetrics.reduce((sum, { Metrics }) => sum + Metrics.length, 0);

const surroundings = { ids: systemIds, logger: silentLogger };
