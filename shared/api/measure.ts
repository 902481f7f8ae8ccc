/** Measures every request by verb and kind, as the Kubernetes API server names them; a few instructions each. */
import type { MiddlewareHandler } from "hono";
import type { Clock } from "../base/clock.ts";
import type { Metrics } from "./metrics.ts";
import { parseFlag } from "./query.ts";

type Environment = { Variables: { kind?: string } };

const verbs: ReadonlyMap<string, string> = new Map([
  ["POST", "create"],
  ["PUT", "update"],
  ["PATCH", "patch"],
  ["DELETE", "delete"],
]);
/** What is not about objects: documents, health, reviews, tokens. */
const noKind = "none";

/** Stands before everything else, so that refusals count, too. A handler that knows its kind sets `kind`. */
export function measure(metrics: Metrics, clock: Pick<Clock, "monotonic">): MiddlewareHandler<Environment> {
  return async (context, next) => {
    const startedMs = clock.monotonic();
    metrics.begun();
    try {
      await next();
    } finally {
      const { req, res } = context;
      const kind = context.get("kind") ?? noKind;
      const verb = kind !== noKind && req.method === "GET" ? readVerb(req) : (verbs.get(req.method) ?? "get");
      metrics.ended({ verb, kind }, res.status, (clock.monotonic() - startedMs) / 1_000);
    }
  };
}

function readVerb(req: { param(name: "name"): string | undefined; query(name: string): string | undefined }): string {
  if (req.param("name") !== undefined) return "get";
  return parseFlag(req.query("watch")) ? "watch" : "list";
}
