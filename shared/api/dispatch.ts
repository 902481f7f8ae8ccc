/**
 * One request's way: which route, who asks, its answer, and its measure. Whoever is not known learns that and nothing else: not even
 * whether there is such a route. Errors become answers here and nowhere else.
 */

import type { Principal } from "../access/access.ts";
import type { ApiRequest, ApiResponse } from "../http/exchange.ts";
import { type Found, type Params, pathOf, queryOf, type Routes } from "../http/router.ts";
import { Admission, type AdmissionLimits, admissionLimits } from "./admission.ts";
import { authenticate } from "./authenticate.ts";
import { bodyBytesMax } from "./body.ts";
import type { Api } from "./call.ts";
import { RefusedError } from "./errors.ts";
import type { Measured } from "./metrics.ts";
import { parseFlag } from "./query.ts";
import { failureOf, failureResponse } from "./status.ts";

/** A request that found its route, by somebody who is known. */
export type Asked = {
  readonly request: ApiRequest;
  readonly principal: Principal;
  /** Decoded. */
  readonly path: string;
  readonly params: Params;
};

export type Route = {
  /** Whether nobody needs to say who they are; `handle` then gets no principal to rely on. */
  readonly open?: boolean;
  /** Plural of the kind it is about; absent for documents, health, reviews, tokens. */
  readonly kind?: string;
  handle(asked: Asked): ApiResponse | Promise<ApiResponse>;
};

const nobody: Principal = { name: "system:anonymous", role: "viewer", clusterUid: "" };

/** As the Kubernetes API server names them. */
const verbs: Readonly<Record<string, string>> = { POST: "create", PUT: "update", PATCH: "patch", DELETE: "delete" };
const noKind = "none";

export class Dispatcher {
  readonly #api: Api;
  readonly #routes: Routes<Route>;
  readonly #admission: Admission;

  constructor(api: Api, routes: Routes<Route>, limits: AdmissionLimits = admissionLimits) {
    this.#api = api;
    this.#admission = new Admission(limits);
    this.#routes = routes;
  }

  /** Never rejects. */
  async handle(request: ApiRequest): Promise<ApiResponse> {
    const { clock, metrics } = this.#api;
    const startedMs = clock.monotonic();
    metrics.begun();
    const path = pathOf(request.url);
    const found = this.#routes.find(request.method === "HEAD" ? "GET" : request.method, path);
    let answer: ApiResponse;
    try {
      answer = await this.#answer(request, path, found);
    } catch (error) {
      answer = this.#failure(request, path, error);
    }
    metrics.ended(measured(request, found), answer.status, (clock.monotonic() - startedMs) / 1_000);
    return request.method === "HEAD" ? withoutBody(answer) : answer;
  }

  async #answer(request: ApiRequest, path: string, found: Found<Route> | undefined): Promise<ApiResponse> {
    if (found?.handler.open) return found.handler.handle({ request, principal: nobody, path, params: found.params });
    const leave = this.#admission.enter(bodyBytesOf(request));
    try {
      const principal = await authenticate(this.#api.authenticator, request.header("authorization"));
      if (found === undefined) throw new RefusedError({ kind: "noRoute" });
      return await found.handler.handle({ request, principal, path, params: found.params });
    } finally {
      leave();
    }
  }

  #failure({ method }: ApiRequest, path: string, error: unknown): ApiResponse {
    const failure = failureOf(error);
    if (failure.isFault) this.#api.logger.log("error", "a request failed", { method, path, error });
    return failureResponse(failure);
  }
}

/** What it says its body has, as far as it would be read; without a word on it, as much as it may have. */
function bodyBytesOf({ method, header }: ApiRequest): number {
  if (method === "GET" || method === "HEAD") return 0;
  const announced = header("content-length");
  return Math.min(announced === undefined ? bodyBytesMax : Number(announced), bodyBytesMax);
}

function measured({ method, url }: ApiRequest, found: Found<Route> | undefined): Measured {
  const kind = found?.handler.kind ?? noKind;
  if (method !== "GET" || kind === noKind || found?.params["name"] !== undefined) return { verb: verbs[method] ?? "get", kind };
  return { verb: parseFlag(queryOf(url, "watch")) ? "watch" : "list", kind };
}

function withoutBody({ status, headers, body }: ApiResponse): ApiResponse {
  // What it was to be read from is let go; that it could not be is nobody's loss.
  if (body instanceof ReadableStream) void body.cancel().catch(() => undefined);
  return { status, headers, body: null };
}
