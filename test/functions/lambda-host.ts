/**
 * The serverless deployment in one process: the handlers of api and publisher on ports in memory, a bus in memory, and API Gateway as a
 * fetch that makes proxy events of requests and responses of results. Each function has state of its own, as on Lambda.
 */

import { bufferedHandler, openApi, streamingHandler } from "../../functions/api/api.ts";
import type { ProxyResult } from "../../functions/api/buffered.ts";
import { readSettings } from "../../functions/api/settings.ts";
import type { StreamingHandler } from "../../functions/api/streamed.ts";
import type { Ports } from "../../functions/aws/dynamo-ports.ts";
import { openWorkshop, type Workshop } from "../../functions/aws/workshop.ts";
import { ensureFirstToken } from "../../functions/installer/first-token.ts";
import { type PublishHandler, publishHandler } from "../../functions/publisher/publish.ts";
import { systemClock } from "../../shared/base/clock.ts";
import { newSecret, systemIds } from "../../shared/base/ids.ts";
import { type Logger, silentLogger } from "../../shared/base/logger.ts";
import { once } from "../../shared/base/once.ts";
import type { OpenEngine } from "../../shared/fleet/nodes/engines.ts";
import { openMemory } from "../../shared/log/memory/open.ts";
import type { Target } from "../cases/client.ts";
import { noSecrets } from "../fleet/map-secrets.ts";
import { MemoryBus } from "./memory-bus.ts";
import { asFetched, callStreaming, hasNoBody, runtime } from "./runtime.ts";
import { contextOf, type StreamRecord, withStream } from "./stream.ts";

export type LambdaHost = {
  readonly target: Target;
  readonly ports: Ports;
  readonly bus: MemoryBus;
  readonly workshop: () => Promise<Workshop>;
  /** A GET of `path` for the streaming handler, by hand. */
  streaming(path: string): Promise<{ readonly event: unknown; readonly handler: StreamingHandler }>;
  /** Resolves when everything that was committed has been published. */
  settled(): Promise<void>;
  close(): Promise<void>;
};

export type HostOptions = {
  readonly transport: "stream" | "buffer";
  /** Absent: no node can be reached. */
  readonly openEngine?: OpenEngine;
  readonly logger?: Logger;
  readonly environment?: Readonly<Record<string, string>>;
};

const stage = "/prod";
const baseUrl = `https://api.test${stage}`;
/** Wake-ups of one batch, as the mapping has them. */
const batchMax = 100;

const noEngine: OpenEngine = ({ address }) => Promise.reject(new Error(`there is no engine at ${address}`));

export async function startLambdaHost(options: HostOptions): Promise<LambdaHost> {
  const { transport, logger = silentLogger, environment = {}, openEngine = noEngine } = options;
  const memory = openMemory({ appendMax: 1 });
  const waiting: StreamRecord[] = [];
  const common = { clock: systemClock, ids: systemIds, logger };
  const onRecord = (record: StreamRecord): void => {
    waiting.push(record);
    pump.wake();
  };
  const ports = { ...memory, log: withStream(memory.log, onRecord) };
  const bus = new MemoryBus();
  const settings = readSettings({
    WINDLASS_LOG_TABLE: "l",
    WINDLASS_OBJECTS_TABLE: "o",
    WINDLASS_TRANSPORT: transport,
    WINDLASS_SECRETS: "windlass/",
    ...environment,
  });
  const workshop = once(() => openWorkshop({ ...common, ...ports, bus }));
  const pump = new Pump(publishHandler(workshop), waiting);
  const parts = { ...common, ...ports, settings, secrets: noSecrets, open: openEngine };
  const open = once(() => openApi({ ...parts, release: "0.0.0-test" }));
  const token = await firstToken(ports);
  const call =
    transport === "buffer"
      ? buffered(bufferedHandler({ ...common, open }))
      : streamed(streamingHandler({ ...common, open }, runtime));
  return {
    target: { baseUrl, token, transport, fetch: async (url, init = {}) => call(await proxyEvent(url, init), init.signal) },
    ports,
    bus,
    workshop,
    streaming: async (path) => {
      const event = await proxyEvent(baseUrl + path, { headers: { authorization: `Bearer ${token}` } });
      return { event, handler: streamingHandler({ ...common, open }, runtime) };
    },
    settled: () => pump.settled(),
    close: async () => {
      await pump.settled();
      (await workshop()).clusters.close();
    },
  };
}

/** One publisher at a time, as a stream's shard has it. */
class Pump {
  readonly #handler: PublishHandler;
  readonly #waiting: StreamRecord[];
  #running: Promise<void> | undefined;

  constructor(handler: PublishHandler, waiting: StreamRecord[]) {
    this.#handler = handler;
    this.#waiting = waiting;
  }

  wake(): void {
    this.#running ??= this.#run().finally(() => {
      this.#running = undefined;
      if (this.#waiting.length > 0) this.wake();
    });
  }

  async settled(): Promise<void> {
    while (this.#running !== undefined) await this.#running;
  }

  async #run(): Promise<void> {
    while (this.#waiting.length > 0) await this.#handler({ Records: this.#waiting.splice(0, batchMax) }, contextOf(60_000));
  }
}

type Call = (event: unknown, signal: AbortSignal | null | undefined) => Promise<Response>;

const streamed =
  (handler: ReturnType<typeof streamingHandler>): Call =>
  async (event, signal) =>
    asFetched(await callStreaming(handler, { event, context: contextOf(900_000), signal: signal ?? null }));

const buffered =
  (handler: ReturnType<typeof bufferedHandler>): Call =>
  async (event, signal) => {
    const left = new Promise<never>((_, reject) => signal?.addEventListener("abort", () => reject(signal.reason)));
    return responseOf(await Promise.race([handler(event, contextOf(29_000)), left]));
  };

/** What API Gateway makes of a result, with binaryMediaTypes for everything. */
function responseOf({ statusCode, headers, body, isBase64Encoded }: ProxyResult): Response {
  const bytes = new Uint8Array(Buffer.from(body, isBase64Encoded ? "base64" : "utf8"));
  return asFetched(new Response(hasNoBody(statusCode) ? null : bytes, { status: statusCode, headers }));
}

/** As REST APIs make it of `url`, in stage prod. */
async function proxyEvent(url: string, init: RequestInit): Promise<object> {
  const request = new Request(url, init);
  const { pathname, searchParams } = new URL(url);
  const raw = url.slice(new URL(url).origin.length).split("?", 1)[0] ?? pathname;
  const path = raw.slice(stage.length);
  const body = Buffer.from(await request.arrayBuffer());
  const names = [...new Set(searchParams.keys())];
  const headers = [...request.headers];
  return {
    resource: "/{proxy+}",
    httpMethod: request.method,
    path,
    headers: Object.fromEntries(headers),
    multiValueHeaders: Object.fromEntries(headers.map(([name, value]) => [name, [value]])),
    queryStringParameters: names.length === 0 ? null : Object.fromEntries(searchParams),
    multiValueQueryStringParameters:
      names.length === 0 ? null : Object.fromEntries(names.map((name) => [name, searchParams.getAll(name)])),
    pathParameters: { proxy: decoded(path.slice(1)) },
    requestContext: { stage: "prod", path: raw, identity: { userArn: request.headers.get("x-test-user-arn") } },
    body: body.length === 0 ? null : body.toString("base64"),
    isBase64Encoded: body.length > 0,
  };
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

async function firstToken({ cells }: Ports): Promise<string> {
  let text = "made by the stack";
  const secret = {
    id: "secret",
    read: async () => text,
    write: async (written: string) => {
      text = written;
    },
  };
  await ensureFirstToken({ secret, cells, clock: systemClock, ids: systemIds, newSecret });
  return text;
}
