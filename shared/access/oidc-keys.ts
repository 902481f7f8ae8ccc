/**
 * An issuer's public keys, found by its discovery document (OpenID Connect Discovery 1.0, section 4) and kept: a key that is not known
 * is asked for anew, at most once in `cooldownMs`, so that a rotation is followed and a flood of wrong tokens is not. Every answer of
 * the issuer has a bound in time and size, and comes over TLS, or from this machine.
 */
import { createRemoteJWKSet, customFetch, type JWTVerifyGetKey } from "jose";
import type { Clock } from "../base/clock.ts";

/** One request to an issuer; a redirect is not followed. */
export type IssuerFetch = (url: string, init: RequestInit) => Promise<Response>;

const timeoutMs = 5_000;
const answerBytesMax = 1024 * 1024;
/** The discovery document says where the keys are: that hardly ever changes. */
const discoveryMs = 3_600_000;
const keysMs = 600_000;
const cooldownMs = 30_000;
/** After a failure the issuer is left alone so long; meanwhile the same failure is the answer. */
const failureMs = 2_000;

type Kept = { readonly keys: Promise<JWTVerifyGetKey>; untilMs: number };

/** For jose's jwtVerify. Rejects with an IssuerError when the issuer can't be asked. */
export function issuerKeys(
  issuer: string,
  { clock, fetch }: { readonly clock: Clock; readonly fetch: IssuerFetch },
): JWTVerifyGetKey {
  let kept: Kept | undefined;
  return async (header, token) => {
    if (kept === undefined || clock.monotonic() >= kept.untilMs) {
      const next: Kept = { keys: discover(issuer, fetch), untilMs: clock.monotonic() + discoveryMs };
      next.keys.catch(() => {
        next.untilMs = clock.monotonic() + failureMs;
      });
      kept = next;
    }
    return (await kept.keys)(header, token);
  };
}

/** The issuer did not answer, or not as OpenID Connect has it. Trying again later may help. */
export class IssuerError extends Error {
  override readonly name = "IssuerError";
  constructor(issuer: string, why: string, cause?: unknown) {
    super(`the issuer ${issuer} ${why}`, { cause });
  }
}

async function discover(issuer: string, fetch: IssuerFetch): Promise<JWTVerifyGetKey> {
  const url = `${issuer.replace(/\/$/, "")}/.well-known/openid-configuration`;
  const document = await readDocument(issuer, url, fetch);
  if (document["issuer"] !== issuer) throw new IssuerError(issuer, `calls itself ${JSON.stringify(document["issuer"])}`);
  const { jwks_uri: keysUrl } = document;
  if (typeof keysUrl !== "string" || !isTrusted(keysUrl))
    throw new IssuerError(issuer, "names no address of its keys that can be trusted");
  return createRemoteJWKSet(new URL(keysUrl), {
    timeoutDuration: timeoutMs,
    cooldownDuration: cooldownMs,
    cacheMaxAge: keysMs,
    [customFetch]: async (from: string, init: RequestInit) => bounded(issuer, await fetch(from, init)),
  });
}

async function readDocument(issuer: string, url: string, fetch: IssuerFetch): Promise<Readonly<Record<string, unknown>>> {
  try {
    const answer = await fetch(url, {
      signal: AbortSignal.timeout(timeoutMs),
      redirect: "manual",
      headers: { accept: "application/json" },
    });
    if (!answer.ok) throw new IssuerError(issuer, `answers with ${answer.status}`);
    const document: unknown = await (await bounded(issuer, answer)).json();
    if (typeof document !== "object" || document === null)
      throw new IssuerError(issuer, "answers with something else than a document");
    return document as Readonly<Record<string, unknown>>;
  } catch (cause) {
    if (cause instanceof IssuerError) throw cause;
    throw new IssuerError(issuer, "does not answer", cause);
  }
}

/** The same answer, read to its end, unless it has more bytes than any key set. */
async function bounded(issuer: string, answer: Response): Promise<Response> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of answer.body ?? []) {
    bytes += chunk.length;
    if (bytes > answerBytesMax) throw new IssuerError(issuer, `answers with more than ${answerBytesMax} bytes`);
    chunks.push(chunk);
  }
  return new Response(Buffer.concat(chunks), { status: answer.status, headers: answer.headers });
}

/** Over TLS, or from this machine: an issuer for tests, or a side car. */
export function isTrusted(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const { protocol, hostname } = new URL(text);
  return protocol === "https:" || (protocol === "http:" && ["127.0.0.1", "[::1]", "localhost"].includes(hostname));
}
