/** Answers that are no objects of a store: reviews, tokens, history. JSON, never kept by anyone in between. */
import { type ApiResponse, respond } from "../http/exchange.ts";
import { statusCodes } from "./status.ts";

const headers = { "content-type": "application/json", "cache-control": "no-store, private" } as const;

/** `made`: something was created. */
export function plainAnswer(value: object, { made = false }: { readonly made?: boolean } = {}): ApiResponse {
  return respond(JSON.stringify(value), { status: made ? statusCodes.created : statusCodes.ok, headers });
}
