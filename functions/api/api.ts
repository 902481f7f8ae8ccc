/**
 * The HTTP interface as a Lambda function, without its surroundings: the same router as everywhere, on whatever ports. An environment
 * serves one request at a time; what it has read stays for the next one, and nothing runs between them.
 */
import { Registry as MetricsRegistry } from "prom-client";
import { type Authenticator, firstOf } from "../../shared/access/access.ts";
import { OidcAuthenticator } from "../../shared/access/oidc.ts";
import { issuerKeys } from "../../shared/access/oidc-keys.ts";
import { Tokens, tokenAuthenticator } from "../../shared/access/tokens.ts";
import { buildApp } from "../../shared/api/app.ts";
import { RefusedError } from "../../shared/api/errors.ts";
import { Metrics } from "../../shared/api/metrics.ts";
import { failureOf, failureResponse } from "../../shared/api/status.ts";
import type { Clock } from "../../shared/base/clock.ts";
import { type Ids, newSecret } from "../../shared/base/ids.ts";
import type { Logger } from "../../shared/base/logger.ts";
import { once } from "../../shared/base/once.ts";
import { isDockerPath } from "../../shared/docker-api/paths.ts";
import type { OpenEngine } from "../../shared/fleet/nodes/engines.ts";
import type { SecretResolver } from "../../shared/fleet/secrets/resolver.ts";
import type { ApiRequest, ApiResponse, Handle } from "../../shared/http/exchange.ts";
import { builtinKinds, createRegistry } from "../../shared/kinds/registry.ts";
import { Clusters, installationUid } from "../../shared/state/clusters.ts";
import type { Ports } from "../aws/dynamo-ports.ts";
import { type LambdaContext, timeOf } from "../aws/invocation.ts";
import { bufferedResult, forBuffering, type ProxyResult } from "./buffered.ts";
import type { DockerHandle } from "./docker.ts";
import { IamAuthenticator, iamAuthorization } from "./iam.ts";
import { parseProxyEvent, requestOf } from "./proxy-event.ts";
import type { ApiSettings } from "./settings.ts";
import { type StreamingHandler, type StreamingRuntime, sendStreamed } from "./streamed.ts";

export type ApiOptions = Ports & {
  readonly settings: Pick<ApiSettings, "WINDLASS_TRANSPORT" | "WINDLASS_IAM" | "WINDLASS_OIDC">;
  readonly secrets: SecretResolver;
  readonly open: OpenEngine;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly logger: Logger;
  readonly release: string;
};

/** Of an environment with 1.8 GB: stores of so many clusters, each with so much JSON in it. */
const openMax = 16;
const cachedBytesMax = 32 * 1024 * 1024;
/** Lambda and API Gateway end a streamed answer at 900 s; the last seconds are for a bookmark. */
const watchSecondsMax = { stream: 880, buffer: 25 } as const;
/** A watch that is still open then is ended; a little earlier than Lambda would. */
const reserveMs = 2_000;

export type OpenApi = {
  readonly handle: Handle;
  /** Requests that `isDockerPath` says are docker's. */
  readonly docker: DockerHandle;
  /** Whether the gateway says who calls. */
  readonly usesIam: boolean;
};

export async function openApi({ settings, ...options }: ApiOptions): Promise<OpenApi> {
  const registry = createRegistry(builtinKinds);
  const metrics = new Metrics({ registry: new MetricsRegistry(), withProcess: false });
  const clusters = await Clusters.open({ ...options, registry, lazy: true, openMax, cachedBytesMax, observe: metrics.committed });
  const tokens = new Tokens({ ...options, rootUid: installationUid, newSecret });
  const transport = settings.WINDLASS_TRANSPORT;
  const authenticator = authenticatorOf(settings, { ...options, clusters, tokens });
  const parts = { ...options, clusters, registry, authenticator, tokens, metrics };
  const { handle } = buildApp({ ...parts, transport, watchSecondsMax: watchSecondsMax[transport] });
  const docker = once(async () => {
    const { dockerHandle } = await import("./docker.ts");
    return dockerHandle({ ...options, clusters, authenticator });
  });
  return {
    handle,
    docker: async (request, signal) => (await docker())(request, signal),
    usesIam: settings.WINDLASS_IAM !== undefined,
  };
}

type AuthenticatorParts = { readonly clusters: Clusters; readonly tokens: Tokens; readonly clock: Clock };

function authenticatorOf(
  { WINDLASS_IAM: iam, WINDLASS_OIDC: oidc }: ApiOptions["settings"],
  { clusters, tokens, clock }: AuthenticatorParts,
): Authenticator {
  const uidOf = async (name: string): Promise<string | undefined> => (await clusters.resolve(name))?.uid;
  const byToken = tokenAuthenticator(tokens);
  if (iam !== undefined) return new IamAuthenticator(iam, uidOf);
  if (oidc === undefined) return byToken;
  const keys = issuerKeys(oidc.issuer, { clock, fetch: (url, init) => fetch(url, init) });
  return firstOf([byToken, new OidcAuthenticator({ config: oidc, clock, keys, uidOf })]);
}

export type HandlerOptions = {
  readonly open: () => Promise<OpenApi>;
  readonly clock: Clock;
  readonly logger: Logger;
};

/** Rejects only for what is no proxy event. `adapt` fits the request to the way its answer goes. */
async function answer(
  { open, logger }: HandlerOptions,
  event: unknown,
  {
    signal,
    adapt = (request) => request,
  }: { readonly signal: AbortSignal; readonly adapt?: (request: ApiRequest) => ApiRequest },
): Promise<ApiResponse> {
  const parsed = parseProxyEvent(event);
  try {
    const { handle, docker, usesIam } = await open();
    const userArn = parsed.requestContext?.identity?.userArn;
    const request = requestOf(parsed, usesIam ? () => iamAuthorization(userArn) : undefined);
    return await (isDockerPath(request.url) ? docker(request, signal) : handle(adapt(request)));
  } catch (cause) {
    logger.log("error", "the installation can't be opened", { error: cause });
    const message = "the state can't be read now";
    return failureResponse(failureOf(new RefusedError({ kind: "unavailable", message, cause })));
  }
}

export type BufferedHandler = (event: unknown, context: LambdaContext) => Promise<ProxyResult>;

export const bufferedHandler =
  (options: HandlerOptions): BufferedHandler =>
  async (event, context) => {
    const { signal } = timeOf(context, options.clock, reserveMs);
    return bufferedResult(await answer(options, event, { signal, adapt: forBuffering }), signal);
  };

export const streamingHandler =
  (options: HandlerOptions, runtime: StreamingRuntime): StreamingHandler =>
  async (event, stream, context) => {
    const { signal } = timeOf(context, options.clock, reserveMs);
    await sendStreamed(await answer(options, event, { signal }), { runtime, to: stream, leave: signal });
  };
