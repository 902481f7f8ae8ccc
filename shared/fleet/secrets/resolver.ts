/**
 * The port SecretResolver: from the name that an object holds to the secret itself, where it is used and no sooner. Nothing of a secret
 * goes into an object, an event, a log line or an error.
 */
import type { Clock } from "../../base/clock.ts";
import { inTime } from "../engine/in-time.ts";

/** Its fields, like cert and key, or username and password. */
export type Secret = Readonly<Record<string, string>>;

export interface SecretResolver {
  /** As it is now. @throws NoSuchSecretError; SecretUnreadableError, after which a retry may help. */
  resolve(name: string): Promise<Secret>;
}

export class NoSuchSecretError extends Error {
  override readonly name = "NoSuchSecretError";
  constructor(secret: string) {
    super(`there is no secret ${secret}`);
  }
}

/** The secret is there, and can't be read or has not the form it should. */
export class SecretUnreadableError extends Error {
  override readonly name = "SecretUnreadableError";
  constructor(secret: string, problem: string, cause?: unknown) {
    super(`secret ${secret} can't be used: ${problem}`, { cause });
  }
}

/** Fields and characters of one secret. Secrets Manager: 64 KB. */
export const secretFieldsMax = 32;
export const secretCharactersMax = 64 * 1024;
/** Until a secret must be there, where nobody who waits has a shorter time: as long as a connection may take. */
const secretMs = 10_000;
/** Secrets that are kept: one a node and a registry at the most. */
const keptMax = 10_000;

/** The first that has it. */
export function firstOf(resolvers: readonly SecretResolver[]): SecretResolver {
  return {
    async resolve(name) {
      for (const resolver of resolvers) {
        const found = await resolver.resolve(name).catch(orUndefined);
        if (found !== undefined) return found;
      }
      throw new NoSuchSecretError(name);
    },
  };
}

/** Answers in time: what hangs is a secret that can't be read now. */
export function promptly(resolver: SecretResolver, clock: Clock): SecretResolver {
  const late = (name: string) => new SecretUnreadableError(name, `it was not there in ${secretMs} ms`);
  return { resolve: (name) => inTime(resolver.resolve(name), { clock, ms: secretMs, late: () => late(name) }) };
}

/** Keeps what was read for `keepMs`: how late a rotated secret is noticed. Failures are not kept. */
export function keepFor(
  resolver: SecretResolver,
  { clock, keepMs }: { readonly clock: Clock; readonly keepMs: number },
): SecretResolver {
  const kept = new Map<string, { readonly untilMs: number; readonly secret: Promise<Secret> }>();
  return {
    resolve(name) {
      const there = kept.get(name);
      if (there !== undefined && clock.monotonic() < there.untilMs) return there.secret;
      if (kept.size >= keptMax) kept.clear();
      const secret = resolver.resolve(name);
      const made = { untilMs: clock.monotonic() + keepMs, secret };
      kept.set(name, made);
      secret.catch(() => kept.get(name) === made && kept.delete(name));
      return secret;
    },
  };
}

/** The fields of a secret that is kept as one text: a JSON object of strings. @throws SecretUnreadableError */
export function fieldsOf(name: string, text: string): Secret {
  if (text.length > secretCharactersMax) throw new SecretUnreadableError(name, `it has over ${secretCharactersMax} characters`);
  let fields: unknown;
  try {
    fields = JSON.parse(text);
  } catch {
    throw new SecretUnreadableError(name, "it is not JSON"); // the parser's own words would show a part of it
  }
  const isObject = typeof fields === "object" && fields !== null && !Array.isArray(fields);
  const entries = isObject ? Object.entries(fields as object) : [];
  if (!isObject || entries.length > secretFieldsMax || !entries.every(([, value]) => typeof value === "string")) {
    throw new SecretUnreadableError(name, `it is not a JSON object of at most ${secretFieldsMax} strings`);
  }
  return fields as Secret;
}

function orUndefined(error: unknown): undefined {
  if (!(error instanceof NoSuchSecretError)) throw error;
}
