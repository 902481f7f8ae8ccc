/**
 * Leases on cells: who may work on something, for so long. Taken by one conditional put, renewed and released by their owner only; an
 * expired one can be taken by anybody. A lease saves work and fences nothing (DESIGN section 5): what is done under it must be safe
 * without it. The cell stays when a lease is released, so that its version and its counter never begin anew while somebody remembers them.
 */
import type { Clock } from "../../base/clock.ts";
import type { Ids } from "../../base/ids.ts";
import type { JsonObject } from "../../base/json.ts";
import type { Cell, CellPut, Cells } from "../../log/ports.ts";

export type LeasesOptions = {
  readonly cells: Cells;
  /** Of the life of the cluster. */
  readonly uid: string;
  readonly clock: Clock;
  readonly ids: Pick<Ids, "uuid">;
  /** Who takes them, for people: a host's and a worker's name. */
  readonly owner: string;
};

/** Somebody else has it, until then at the latest: milliseconds since 1970. */
export type Held = { readonly heldBy: string; readonly until: number; readonly purpose?: string };

/** Takers that come first in between; each is another one that has it then, so a second try is rare. */
const triesMax = 5;
const keyOf = (name: string): string => `lease/${name}`;

/** `token`: of one taking. `counter`: of all takings of this name. */
type LeaseValue = { readonly owner: string; readonly token: string; readonly counter: number; readonly purpose?: string };

export class Leases {
  readonly #options: LeasesOptions;

  constructor(options: LeasesOptions) {
    this.#options = options;
  }

  /**
   * The lease for `ms` milliseconds, or who has it. `purpose` is shown to whoever asks. Rejects when the cells can't be asked: then it may
   * be held by nobody until it expires; to take it again is safe.
   */
  async take(name: string, ms: number, purpose?: string): Promise<Lease | Held> {
    const { clock, ids, owner } = this.#options;
    const token = ids.uuid();
    let there: Cell | undefined;
    for (let tries = 0; tries < triesMax; tries += 1) {
      const now = clock.now();
      const held = heldOf(there, now);
      if (held !== undefined) return held;
      const value: LeaseValue = { owner, token, counter: nextCounter(there, now), ...(purpose !== undefined && { purpose }) };
      const when = there === undefined ? ("absent" as const) : { version: there.version };
      const put = await this.#put({ key: keyOf(name), value, expires: now + ms, when });
      if (put.kind === "put") return new Lease(this.#options, put.cell);
      there = put.cell;
    }
    return heldOf(there, Number.NEGATIVE_INFINITY) ?? { heldBy: "others", until: clock.now() };
  }

  /** Who has it now; undefined: nobody. */
  async holder(name: string): Promise<Held | undefined> {
    const { cells, uid, clock } = this.#options;
    return heldOf(await cells.get(uid, keyOf(name)), clock.now());
  }

  /** Removes what is remembered of a name that nobody will ever take again, like that of a node that is gone. Held leases stay. */
  async forget(name: string): Promise<void> {
    const { cells, uid, clock } = this.#options;
    const cell = await cells.get(uid, keyOf(name));
    if (cell !== undefined && heldOf(cell, clock.now()) === undefined) await cells.delete(uid, cell.key, cell.version);
  }

  /** As the cells' put; one whose answer was lost is looked for. */
  async #put(put: CellPut): ReturnType<Cells["put"]> {
    const { cells, uid } = this.#options;
    try {
      return await cells.put(uid, put);
    } catch (error) {
      const cell = await cells.get(uid, put.key);
      if (cell === undefined || !isOwn(cell, put.value)) throw error;
      return { kind: "put", cell };
    }
  }
}

export class Lease implements AsyncDisposable {
  readonly counter: number;
  readonly #options: LeasesOptions;
  readonly #value: JsonObject;
  readonly #ended = new AbortController();
  #cell: Cell;
  #isWatched = false;

  constructor(options: LeasesOptions, cell: Cell) {
    this.#options = options;
    this.#cell = cell;
    this.#value = cell.value;
    this.counter = leaseOf(cell).counter;
  }

  /** When it expires unless it is renewed, milliseconds since 1970. */
  get until(): number {
    return this.#cell.expires ?? 0;
  }

  /** Whether it is held still, as far as this process knows. */
  get isHeld(): boolean {
    return !this.#ended.signal.aborted && this.#options.clock.now() < this.until;
  }

  /** Aborts when the lease was lost, has expired or was released. */
  get signal(): AbortSignal {
    if (!this.#isWatched) void this.#watch();
    return this.#ended.signal;
  }

  /** For `ms` milliseconds from now; false: it is lost, to somebody else or to time. Rejects as `take` does, and may be tried again. */
  async renew(ms: number): Promise<boolean> {
    const { clock } = this.#options;
    if (!this.isHeld) return this.#lose();
    const isRenewed = await this.#put(clock.now() + ms);
    // Whoever was told meanwhile that it is over must not hear that it goes on.
    return (isRenewed && !this.#ended.signal.aborted) || this.#lose();
  }

  /** Free for anybody, if it is this one's still. Idempotent. Rejects as `take` does: then it ends with its time. */
  async release(): Promise<void> {
    if (!this.isHeld) return void this.#lose();
    this.#ended.abort(new LeaseEndedError("it was released"));
    await this.#put(this.#options.clock.now());
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.release();
  }

  async #put(expires: number): Promise<boolean> {
    const { cells, uid } = this.#options;
    const { key, version } = this.#cell;
    const first = await cells.put(uid, { key, value: this.#value, expires, when: { version } });
    // A former put of this lease may have been carried out, its answer lost: the cell is a version on then, and its own all the same.
    const isBehind = first.kind === "lost" && first.cell !== undefined && isOwn(first.cell, this.#value);
    const when = { version: first.cell?.version ?? version };
    const put = isBehind ? await cells.put(uid, { key, value: this.#value, expires, when }) : first;
    if (put.kind === "put") this.#cell = put.cell;
    return put.kind === "put";
  }

  #lose(): false {
    this.#ended.abort(new LeaseEndedError("it was lost"));
    return false;
  }

  async #watch(): Promise<void> {
    this.#isWatched = true;
    const { clock } = this.#options;
    while (this.isHeld) await clock.sleep(this.until - clock.now(), this.#ended.signal).catch(() => undefined);
    this.#lose();
  }
}

/** Of a lease's signal. */
export class LeaseEndedError extends Error {
  override readonly name = "LeaseEndedError";
  constructor(why: string) {
    super(`the lease is over: ${why}`);
  }
}

/** Only this room writes such cells. */
const leaseOf = (cell: Cell): LeaseValue => cell.value as unknown as LeaseValue;

function heldOf(cell: Cell | undefined, now: number): Held | undefined {
  if (cell === undefined || (cell.expires ?? 0) <= now) return undefined;
  const { owner, purpose } = leaseOf(cell);
  return { heldBy: owner, until: cell.expires ?? 0, ...(purpose !== undefined && { purpose }) };
}

/** Of the same taking. */
const isOwn = (cell: Cell, value: JsonObject): boolean => cell.value["token"] === value["token"];

/** At least the time: DynamoDB tidies up cells that expired an hour ago, and a counter must not begin anew. */
const nextCounter = (cell: Cell | undefined, now: number): number =>
  Math.max(now, cell === undefined ? 0 : leaseOf(cell).counter + 1);
