/** GET /metrics: for whoever may read the root, which is a viewer of it or more. Prometheus sends a bearer token as everyone does. */
import { type ApiResponse, respond } from "../http/exchange.ts";
import type { Metrics } from "./metrics.ts";
import { inRoot, type PathCall } from "./path-call.ts";
import { statusCodes } from "./status.ts";

export function readMetrics(call: PathCall, { registry }: Pick<Metrics, "registry">): Promise<ApiResponse> {
  return inRoot(call, "get", async () => {
    const text = await registry.metrics();
    const headers = { "content-type": registry.contentType, "cache-control": "no-store, private" };
    return respond(text, { status: statusCodes.ok, headers });
  });
}
