/**
 * Static bearer tokens: `wl_<id>_<secret>`. A cell `token/<id>` beside the root log holds the SHA-256 of the secret, never the
 * secret: it is 32 random bytes, so a plain hash can't be guessed back. A token that was revoked is refused everywhere within
 * `cacheMs`: by the process that revoked it at once, by the others when their cache has forgotten it. The rules of who may what
 * are in access.ts.
 */
import { createHash, timingSafeEqual } from "node:crypto";
import type { Clock } from "../base/clock.ts";
import type { Ids } from "../base/ids.ts";
import type { JsonObject } from "../base/json.ts";
import type { Cell, Cells } from "../log/ports.ts";
import type { Finding } from "../state/doctor/finding.ts";
import { type Authenticator, bearerToken, isExpired, type Principal, type Role, roles, rootScope } from "./access.ts";
import { DamagedTokenError, TokenRefusedError } from "./errors.ts";

/** The delay of a revocation in other processes. DESIGN section 4: a minute at most. */
export const cacheMs = 60_000;
/** Tokens that a process remembers; the one used longest ago goes first. About 400 bytes each. */
export const cachedTokensMax = 1_000;
/** Tokens in one installation, so that one page lists them all. */
export const tokensMax = 1_000;
/** Tries to delete a cell that changes at the same time; tokens don't change, so one is enough unless two revoke at once. */
const deleteTriesMax = 3;

const prefix = "token/";
/** Mail addresses, DNS names and Kubernetes' user names; no space or control character, for it is logged and shown. */
const nameForm = /^[A-Za-z0-9][A-Za-z0-9._:@-]{0,127}$/;
/** Actors of Windlass itself begin so. */
const reservedPrefix = "system:";
const tokenForm = /^wl_([0-9a-f-]{36})_([A-Za-z0-9_-]{43})$/;
const hashForm = /^[0-9a-f]{64}$/;

/** A token without its secret. */
export type Token = Principal & {
  readonly id: string;
  /** Milliseconds since 1970. */
  readonly created: number;
};

export type NewToken = Pick<Token, "name" | "role" | "clusterUid" | "expires">;

export type TokensOptions = {
  readonly cells: Cells;
  /** The life of the root log: its cells hold the tokens. */
  readonly rootUid: string;
  readonly clock: Clock;
  readonly ids: Pick<Ids, "uuid">;
  /** 32 random bytes, base64url: 43 characters. */
  readonly newSecret: () => string;
};

type Stored = { readonly token: Token; readonly hash: Buffer };
type Known = { readonly stored: Stored; readonly until: number };

export class Tokens {
  readonly #options: TokensOptions;
  /** By id, the one used longest ago first. Only tokens that exist: a flood of unknown ones can't push them out. */
  readonly #known = new Map<string, Known>();
  /**
   * Texts whose secret was found right, with what they were compared with: hashing one costs more than all else that a check does. They
   * are found by V8's own seeded hash, so the time that takes tells nothing of a secret.
   */
  readonly #right = new Map<string, Stored>();
  /** Reads under way, by id: as many as requests are. */
  readonly #reads = new Map<string, Promise<Stored | undefined>>();

  constructor(options: TokensOptions) {
    this.#options = options;
  }

  /**
   * Makes a token; `text` is what its holder sends, and is never to be had again. When it rejects without a TokenRefusedError a
   * token may have been made whose secret nobody knows: asking again is safe.
   * @throws TokenRefusedError when a field is wrong or there are tokensMax tokens.
   */
  async create(wanted: NewToken): Promise<{ readonly token: Token; readonly text: string }> {
    const { cells, rootUid, clock, ids, newSecret } = this.#options;
    const now = clock.now();
    checkNewToken(wanted, now);
    await this.#makeRoom(now);
    const { name, role, clusterUid, expires } = wanted;
    const secret = newSecret();
    const token: Token = { id: ids.uuid(), name, role, clusterUid, created: now, ...(expires !== undefined && { expires }) };
    const { id, ...fields } = token;
    const value = { ...fields, hash: hashOf(secret).toString("hex") };
    const put = await cells.put(rootUid, { key: prefix + id, value, when: "absent", ...(expires !== undefined && { expires }) });
    if (put.kind === "lost") throw new Error(`the token id ${id} is taken: ids must be unique`);
    return { token, text: `wl_${id}_${secret}` };
  }

  /**
   * Whose token `text` is, now; undefined when it is malformed, unknown, wrong, expired or revoked. Rejects when the store
   * does.
   */
  async verify(text: string): Promise<Token | undefined> {
    const [, id, secret] = tokenForm.exec(text) ?? [];
    if (id === undefined || secret === undefined) return undefined;
    const found = this.#find(id);
    const stored = found instanceof Promise ? await found : found;
    if (stored === undefined || !this.#isRight(text, secret, stored)) return undefined;
    return isExpired(stored.token, this.#options.clock.now()) ? undefined : stored.token;
  }

  /** All tokens in the order of their ids, expired ones included until they are removed; tokensMax at most. */
  async list(): Promise<readonly Token[]> {
    const cells = await this.#cells();
    return cells.map((cell) => storedToken(cell).token);
  }

  /** Ends the token; false when there was none. Safe to repeat. */
  async revoke(id: string): Promise<boolean> {
    const { cells, rootUid } = this.#options;
    const key = prefix + id;
    try {
      for (let tries = 0; tries < deleteTriesMax; tries++) {
        const cell = await cells.get(rootUid, key);
        if (cell === undefined) return false;
        if (await cells.delete(rootUid, key, cell.version)) return true;
      }
    } finally {
      // After the delete, an unclear one, too; and what a read that began before it finds is not kept.
      this.#known.delete(id);
      this.#reads.delete(id);
    }
    throw new Error(`the token ${id} changed ${deleteTriesMax} times while it was revoked`);
  }

  /** Tokens of clusters that became others (by uid, former to new) are theirs from now on; how many. Safe to repeat. */
  async rescope(moved: ReadonlyMap<string, string>): Promise<number> {
    const { cells, rootUid } = this.#options;
    let count = 0;
    for (const cell of await this.#cells()) {
      const clusterUid = moved.get(storedToken(cell).token.clusterUid);
      if (clusterUid === undefined) continue;
      const { key, version, value, expires } = cell;
      const put = { key, value: { ...value, clusterUid }, when: { version }, ...(expires !== undefined && { expires }) };
      // One that was revoked meanwhile stays so.
      if ((await cells.put(rootUid, put)).kind === "put") count += 1;
      this.#known.delete(key.slice(prefix.length));
    }
    return count;
  }

  /** Cells that hold no token, or one of a cluster whose uid is not in `uids`: nobody comes in with them. */
  async strayFindings(uids: ReadonlySet<string>): Promise<readonly Finding[]> {
    const { rootUid: uid } = this.#options;
    return (await this.#cells()).flatMap((cell) => {
      const problem = strayProblem(cell, uids);
      const { key, version } = cell;
      return problem === undefined ? [] : [{ where: "tokens", problem, mending: { kind: "cell", uid, key, version } as const }];
    });
  }

  #isRight(text: string, secret: string, stored: Stored): boolean {
    if (this.#right.get(text) === stored) return true;
    if (!timingSafeEqual(hashOf(secret), stored.hash)) return false;
    if (this.#right.size >= cachedTokensMax) this.#right.clear();
    this.#right.set(text, stored);
    return true;
  }

  #cells(): Promise<readonly Cell[]> {
    return this.#options.cells.list(this.#options.rootUid, prefix, tokensMax);
  }

  async #makeRoom(now: number): Promise<void> {
    const there = await this.#cells();
    if (there.length < tokensMax) return;
    const over = there.filter((cell) => isExpired(cell, now));
    if (over.length === 0) throw new TokenRefusedError("tokens", `there are ${there.length} tokens; at most ${tokensMax}`);
    for (const cell of over) await this.#options.cells.delete(this.#options.rootUid, cell.key, cell.version);
  }

  #find(id: string): Promise<Stored | undefined> | Stored {
    const known = this.#known.get(id);
    if (known === undefined) return this.#readOnce(id);
    const isOld = this.#options.clock.monotonic() >= known.until;
    // Their order tells only which one to forget.
    if (isOld || this.#known.size > 1) this.#known.delete(id);
    if (isOld) return this.#readOnce(id);
    this.#known.set(id, known);
    return known.stored;
  }

  /** One read for all who ask for the same id at once. */
  #readOnce(id: string): Promise<Stored | undefined> {
    const underWay = this.#reads.get(id);
    if (underWay !== undefined) return underWay;
    const read: Promise<Stored | undefined> = this.#read(id, () => this.#reads.get(id) === read).finally(() => {
      if (this.#reads.get(id) === read) this.#reads.delete(id);
    });
    this.#reads.set(id, read);
    return read;
  }

  async #read(id: string, isCurrent: () => boolean): Promise<Stored | undefined> {
    // The age of what is found counts from here.
    const until = this.#options.clock.monotonic() + cacheMs;
    const cell = await this.#options.cells.get(this.#options.rootUid, prefix + id);
    if (cell === undefined) return undefined;
    const stored = storedToken(cell);
    if (isCurrent()) this.#remember(id, { stored, until });
    return stored;
  }

  #remember(id: string, known: Known): void {
    this.#known.set(id, known);
    const oldest = this.#known.keys().next().value;
    if (this.#known.size > cachedTokensMax && oldest !== undefined) this.#known.delete(oldest);
  }
}

const nobody = Promise.resolve(undefined);

/** The authenticator of static tokens. */
export function tokenAuthenticator(tokens: Pick<Tokens, "verify">): Authenticator {
  return {
    authenticate(authorization) {
      const text = bearerToken(authorization);
      return text === undefined ? nobody : tokens.verify(text);
    },
  };
}

const hashOf = (secret: string): Buffer => createHash("sha256").update(secret).digest();

function checkNewToken({ name, role, expires }: NewToken, now: number): void {
  if (!nameForm.test(name)) {
    throw new TokenRefusedError("name", "name: 1 to 128 letters, digits and . _ : @ -, beginning with a letter or a digit");
  }
  if (name.startsWith(reservedPrefix)) throw new TokenRefusedError("name", `name: must not begin with ${reservedPrefix}`);
  if (!roles.includes(role)) throw new TokenRefusedError("role", `role: one of ${roles.join(", ")}`);
  if (expires === undefined) return;
  if (!Number.isSafeInteger(expires) || expires <= now) {
    throw new TokenRefusedError("expires", "expires: a time in the future, in whole milliseconds since 1970");
  }
}

function strayProblem(cell: Cell, uids: ReadonlySet<string>): string | undefined {
  try {
    const { name, clusterUid } = storedToken(cell).token;
    if (clusterUid === rootScope || uids.has(clusterUid)) return undefined;
    return `the token of ${name} is for a cluster that is gone, ${clusterUid}`;
  } catch (error) {
    if (error instanceof DamagedTokenError) return error.message;
    throw error;
  }
}

/** @throws DamagedTokenError when the cell holds something else. */
function storedToken({ key, value }: Cell): Stored {
  const { name, role, clusterUid, created, expires, hash } = value;
  if (!isText(name) || !isRole(role) || !isText(clusterUid) || !isNumber(created)) throw new DamagedTokenError(key);
  if (!isText(hash) || !hashForm.test(hash) || !(expires === undefined || isNumber(expires))) throw new DamagedTokenError(key);
  const token = { id: key.slice(prefix.length), name, role, clusterUid, created, ...(expires !== undefined && { expires }) };
  return { token, hash: Buffer.from(hash, "hex") };
}

type Field = JsonObject[string];
const isText = (field: Field): field is string => typeof field === "string";
const isNumber = (field: Field): field is number => typeof field === "number";
const isRole = (field: Field): field is Role => roles.some((role) => role === field);
