/**
 * Tokens over HTTP, for admins: those of the installation at the root, those of one cluster under it. A secret is shown once, in the
 * answer that made it; a cluster's admin neither sees nor ends tokens of elsewhere.
 */

import * as z from "zod";
import { roles, rootScope } from "../access/access.ts";
import { TokenRefusedError } from "../access/errors.ts";
import type { Token } from "../access/tokens.ts";
import { timestamp } from "../base/clock.ts";
import type { JsonObject } from "../base/json.ts";
import type { ApiResponse } from "../http/exchange.ts";
import { jsonTypes, lazyBody, requiredBody } from "./body.ts";
import { badRequest, invalid, RefusedError } from "./errors.ts";
import { inCluster, inRoot, type PathCall } from "./path-call.ts";
import { plainAnswer } from "./plain-answer.ts";

/** RFC 3339 in UTC, as Kubernetes' times. Absent: it never ends. */
const newTokenSchema = z.strictObject({
  name: z.string(),
  role: z.enum(roles),
  expires: z.iso.datetime({ offset: true }).optional(),
});

/** `GET …/tokens`: without secrets. At the root all tokens, else the cluster's. */
export const listTokens = (call: PathCall): Promise<ApiResponse> =>
  inScope(call, async (scope) => {
    const tokens = await call.api.tokens.list();
    const items = tokens.filter((token) => scope === rootScope || token.clusterUid === scope).map(shown);
    return plainAnswer({ kind: "TokenList", items });
  });

/** `POST …/tokens`: the answer alone has the token's text. */
export function createToken(call: PathCall): Promise<ApiResponse> {
  const body = lazyBody(call.request, jsonTypes);
  return inScope(call, async (scope) => {
    const parsed = newTokenSchema.safeParse(await requiredBody(body));
    if (!parsed.success) throw badRequest(`the body is not a new token: ${z.prettifyError(parsed.error)}`);
    const { expires, ...wanted } = parsed.data;
    const ends = expires === undefined ? {} : { expires: Date.parse(expires) };
    try {
      const { token, text } = await call.api.tokens.create({ ...wanted, ...ends, clusterUid: scope });
      return plainAnswer({ ...shown(token), token: text }, { made: true });
    } catch (error) {
      throw error instanceof TokenRefusedError ? refused(error, wanted.name) : error;
    }
  });
}

/** `DELETE …/tokens/<id>`: it is refused from now on here, and elsewhere within a minute. */
export const revokeToken = (call: PathCall, id: string): Promise<ApiResponse> =>
  inScope(call, async (scope) => {
    const { tokens } = call.api;
    const token = (await tokens.list()).find((one) => one.id === id);
    const isTheirs = token !== undefined && (scope === rootScope || token.clusterUid === scope);
    if (!isTheirs || !(await tokens.revoke(id))) throw new RefusedError({ kind: "notFound", resource: "tokens", name: id });
    return plainAnswer(shown(token));
  });

/** Runs `run` with the uid that the call's tokens are for, for its admin. */
function inScope(call: PathCall, run: (scope: string) => Promise<ApiResponse>): Promise<ApiResponse> {
  if (call.cluster === undefined) return inRoot(call, "administer", () => run(rootScope));
  return inCluster(call, "administer", (store) => run(store.uid));
}

function shown({ id, name, role, clusterUid, created, expires }: Token): JsonObject {
  const ends = expires === undefined ? {} : { expires: timestamp(expires) };
  return { kind: "Token", id, name, role, clusterUid, created: timestamp(created), ...ends };
}

function refused({ field, message }: TokenRefusedError, name: string): RefusedError {
  if (field === "tokens") return badRequest(message);
  return invalid("Token", name, [{ field, message: message.slice(field.length + 2), type: "FieldValueInvalid" }]);
}
