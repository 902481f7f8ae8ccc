/**
 * Bearer tokens of an OpenID Connect provider: JWTs, checked here by the issuer's public keys. Only a token that names our issuer
 * and one of our audiences, is signed by one of its keys and is not over stands for someone; what its groups may is configured, and
 * who is in no configured group may nothing. Keys and answers are kept for a bounded time (oidc-keys.ts; cacheMs here).
 */
import { createHash } from "node:crypto";
import { decodeJwt, errors, type JWTPayload, type JWTVerifyGetKey, jwtVerify } from "jose";
import type { Clock } from "../base/clock.ts";
import { type Authenticator, bearerToken, type Grant, isExpired, type Principal, type Role, rootScope } from "./access.ts";

export type OidcConfig = {
  /** As in `iss`, exactly. */
  readonly issuer: string;
  /** One of them must be in `aud`. */
  readonly audiences: readonly string[];
  /** Whose value is the name; "email" counts only while email_verified is not false. */
  readonly usernameClaim: string;
  /** Before the name, so that nobody is taken for a static token's holder. */
  readonly usernamePrefix: string;
  /** A list of groups, or one. */
  readonly groupsClaim: string;
  readonly roles: readonly GroupRole[];
};

/** What a group's members may. `cluster` is a name; undefined: the root. */
export type GroupRole = { readonly group: string; readonly role: Role; readonly cluster?: string };

export type OidcOptions = {
  readonly config: OidcConfig;
  readonly clock: Clock;
  readonly keys: JWTVerifyGetKey;
  /** The uid that a cluster's name has now; undefined: there is none. */
  readonly uidOf: (cluster: string) => Promise<string | undefined>;
};

/** Answers are remembered so long at most: as with static tokens, the delay of a change of roles. */
export const cacheMs = 60_000;
/** Tokens that a process remembers; the one that was checked longest ago goes first. */
const cachedMax = 1_000;
/** Clocks of the issuer and ours may differ so much. */
export const skewSeconds = 30;
/** Public-key signatures only: with a shared secret, a key that is public would do as one. */
const algorithms = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA", "Ed25519"];
/** Names are logged and shown: no control characters, and of a length that fits a line. */
const nameForm = /^[^\p{Cc}\p{Cf}\p{Zl}\p{Zp}]{1,256}$/u;
const groupsMax = 1_000;

type Known = { readonly principal: Principal; readonly untilMs: number };

export class OidcAuthenticator implements Authenticator {
  readonly #options: OidcOptions;
  /** By the token's hash: no token stays in memory. Only tokens that are good, so strangers can't push them out. */
  readonly #known = new Map<string, Known>();

  constructor(options: OidcOptions) {
    this.#options = options;
  }

  /** Rejects when the issuer's keys can't be had, or the clusters can't be read. */
  async authenticate(authorization: string | undefined): Promise<Principal | undefined> {
    const text = bearerToken(authorization);
    if (text === undefined || !this.#isOurs(text)) return undefined;
    const { clock } = this.#options;
    const hash = createHash("sha256").update(text).digest("base64");
    const known = this.#known.get(hash);
    if (known !== undefined && clock.monotonic() < known.untilMs) {
      return isExpired(known.principal, clock.now()) ? undefined : known.principal;
    }
    this.#known.delete(hash);
    const untilMs = clock.monotonic() + cacheMs;
    const claims = await this.#verify(text);
    const principal = claims && (await this.#principalOf(claims));
    if (principal !== undefined) this.#remember(hash, { principal, untilMs });
    return principal;
  }

  /** Whether it names our issuer: others' tokens, and static ones, cost no key and no signature. */
  #isOurs(text: string): boolean {
    try {
      return decodeJwt(text).iss === this.#options.config.issuer;
    } catch {
      // Not a JWT: another authenticator's, or nobody's.
      return false;
    }
  }

  async #verify(text: string): Promise<JWTPayload | undefined> {
    const { config, clock, keys } = this.#options;
    try {
      const { payload } = await jwtVerify(text, keys, {
        issuer: config.issuer,
        audience: [...config.audiences],
        algorithms,
        clockTolerance: skewSeconds,
        currentDate: new Date(clock.now()),
        requiredClaims: ["exp", config.usernameClaim],
      });
      return payload;
    } catch (error) {
      if (isTokensFault(error)) return undefined;
      throw error;
    }
  }

  async #principalOf(claims: JWTPayload): Promise<Principal | undefined> {
    const { usernameClaim, usernamePrefix, groupsClaim, roles } = this.#options.config;
    const name = claims[usernameClaim];
    if (typeof name !== "string" || !nameForm.test(name)) return undefined;
    if (usernameClaim === "email" && claims["email_verified"] === false) return undefined;
    const groups = groupsOf(claims[groupsClaim]);
    const found = await Promise.all(roles.filter(({ group }) => groups.has(group)).map((role) => this.#grantOf(role)));
    const [first, ...more] = found.filter((grant) => grant !== undefined);
    if (first === undefined) return undefined;
    const expires = ((claims.exp ?? 0) + skewSeconds) * 1_000;
    return { name: usernamePrefix + name, ...first, ...(more.length > 0 && { more }), expires };
  }

  async #grantOf({ role, cluster }: GroupRole): Promise<Grant | undefined> {
    const clusterUid = cluster === undefined ? rootScope : await this.#options.uidOf(cluster);
    return clusterUid === undefined ? undefined : { role, clusterUid };
  }

  #remember(hash: string, known: Known): void {
    this.#known.set(hash, known);
    const oldest = this.#known.keys().next().value;
    if (this.#known.size > cachedMax && oldest !== undefined) this.#known.delete(oldest);
  }
}

/** Whether the token is no good, in contrast to keys that can't be had now. */
function isTokensFault(error: unknown): boolean {
  if (error instanceof errors.JWKSTimeout || error instanceof errors.JWKSInvalid) return false;
  // A generic JOSEError is what jose says of an issuer that did not answer with keys.
  return error instanceof errors.JOSEError && error.code !== errors.JOSEError.code;
}

function groupsOf(claim: unknown): ReadonlySet<string> {
  const list: readonly unknown[] = Array.isArray(claim) ? claim.slice(0, groupsMax) : [claim];
  return new Set(list.filter((group) => typeof group === "string"));
}
