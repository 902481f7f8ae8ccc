/**
 * Who sends a request, or wants to upgrade a connection: one check for both, before anything else is looked at. The answer is the
 * same for every credential that is not good.
 */
import type { Authenticator, Principal } from "../access/access.ts";
import { RefusedError } from "./errors.ts";
import { type Failure, failureOf } from "./status.ts";

/** @throws RefusedError: unauthorized, or unavailable when it could not be found out. */
export async function authenticate(authenticator: Authenticator, authorization: string | undefined): Promise<Principal> {
  let principal: Principal | undefined;
  try {
    principal = await authenticator.authenticate(authorization);
  } catch (cause) {
    throw new RefusedError({ kind: "unavailable", message: "who you are can't be checked now; try again", cause });
  }
  if (principal === undefined) throw new RefusedError({ kind: "unauthorized" });
  return principal;
}

export type UpgradeAnswer =
  | { readonly kind: "known"; readonly principal: Principal }
  /** What to answer before the connection is closed. */
  | { readonly kind: "refused"; readonly failure: Failure };

/** For a host's upgrade hook; takes Node's IncomingMessage. Never rejects. */
export async function authenticateUpgrade(
  authenticator: Authenticator,
  request: { readonly headers: { readonly authorization?: string | undefined } },
): Promise<UpgradeAnswer> {
  try {
    return { kind: "known", principal: await authenticate(authenticator, request.headers.authorization) };
  } catch (error) {
    return { kind: "refused", failure: failureOf(error) };
  }
}
