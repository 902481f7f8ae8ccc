/**
 * Holds one cluster's clients to its quotas, so that it can't hurt the others. Objects and bytes are exact, in one process and across
 * several (usage.ts). Commits a second are counted by each process from the entries that it comes to see, its own and the others': a
 * process that has just begun knows nothing of the second before. A changed quota counts within `quotasMs`. What the server itself
 * does (collector, reconciler) is not refused.
 */
import type { Clock } from "../../base/clock.ts";
import type { ClusterQuotas } from "../../kinds/cluster.ts";
import { parseQuantity } from "../../kinds/quantity.ts";
import type { Entry } from "../../log/ports.ts";
import { BusyError, type Excess, QuotaExceededError, UnavailableError } from "../errors.ts";
import type { Transaction } from "../transaction.ts";
import { Bucket } from "./bucket.ts";
import { type Amount, sum, Usage, type UsageOptions } from "./usage.ts";

export type MeterOptions = UsageOptions & {
  readonly clock: Clock;
  /** The cluster's, as they are now; undefined: none. */
  readonly quotas: () => Promise<ClusterQuotas | undefined>;
  /** Where they stand: what this process commits or sees there counts at once. */
  readonly root: { readonly revision: number };
};

/** Of a transaction that was let begin. */
export type Admission = {
  /** To be called when it is over. */
  done(committed: boolean): void;
};

/** How long quotas are believed before they are read again. */
const quotasMs = 5_000;
/** A batch may wait for its second, ten of them at most: it need not be sent again for each entry. */
const waitMs = 250;
const waitsMax = 40;

export class Meter {
  readonly #options: MeterOptions;
  readonly #usage: Usage;
  readonly #bucket: Bucket;
  #quotas: ClusterQuotas | undefined;
  #readAtMs = Number.NEGATIVE_INFINITY;
  #readAtRevision = 0;
  /** Admitted commits whose entries were not seen yet. */
  #admitted = 0;

  constructor(options: MeterOptions) {
    this.#options = options;
    this.#usage = new Usage(options);
    this.#bucket = new Bucket(options.clock);
  }

  /** Whether objects or bytes are bounded: only then is anything counted. */
  get isCounting(): boolean {
    return this.#quotas?.objects !== undefined || this.#quotas?.bytes !== undefined;
  }

  /** What the cluster holds; undefined while it is not known. */
  get used(): Amount | undefined {
    return this.#usage.now;
  }

  /**
   * Lets one transaction begin.
   * @throws BusyError when there were too many commits in this second; nothing was written.
   */
  async admit(): Promise<Admission> {
    if (this.#isOld()) await this.#refresh();
    const rate = this.#quotas?.commitsPerSecond;
    if (this.isCounting) await this.#usage.ready();
    if (rate === undefined) return unbounded;
    if (!this.#bucket.take(rate)) throw new BusyError(`the cluster's quota is ${rate} commits a second; try again`);
    this.#admitted += 1;
    return { done: (committed) => this.#done(committed) };
  }

  /** As `admit`, but waits while there are too many commits. @throws BusyError when it waited in vain. */
  async admitInTurn(): Promise<Admission> {
    for (let waits = 0; ; waits += 1) {
      try {
        return await this.admit();
      } catch (error) {
        if (!(error instanceof BusyError) || waits === waitsMax) throw error;
        await this.#options.clock.sleep(waitMs);
      }
    }
  }

  /**
   * To be asked in an admitted transaction after a write's changes: what they come to must not go beyond a bound. What adds nothing goes
   * beyond none. @throws QuotaExceededError that names what was changed last; UnavailableError.
   */
  check({ changes, growth, ahead }: Pick<Transaction, "changes" | "growth" | "ahead">): void {
    const last = changes.at(-1);
    if (!this.isCounting || last === undefined) return;
    const counted = this.#usage.now;
    if (counted === undefined) throw new UnavailableError("what the cluster holds is being counted; try again");
    const used = sum(counted, ahead);
    const { objects, bytes } = this.#quotas ?? {};
    const excess =
      beyond("objects", objects, growth, used) ??
      beyond("bytes", bytes === undefined ? undefined : parseQuantity(bytes), growth, used);
    if (excess !== undefined) throw new QuotaExceededError(last.key, excess);
  }

  /** The next entry of the cluster's log, whoever wrote it. */
  see(entry: Entry): void {
    if (this.isCounting) this.#usage.see(entry);
    if (this.#admitted > 0) this.#admitted -= 1;
    else if (this.#quotas?.commitsPerSecond !== undefined) this.#bucket.drain(1);
  }

  /** Entries may be missed from now on. */
  forget(): void {
    this.#usage.forget();
  }

  #done(committed: boolean): void {
    if (committed) return;
    this.#admitted = Math.max(0, this.#admitted - 1);
    this.#bucket.giveBack();
  }

  #isOld(): boolean {
    const { clock, root } = this.#options;
    return clock.monotonic() - this.#readAtMs >= quotasMs || root.revision !== this.#readAtRevision;
  }

  async #refresh(): Promise<void> {
    const now = this.#options.clock.monotonic();
    const { root } = this.#options;
    const quotas = await this.#options.quotas();
    const wasCounting = this.isCounting;
    this.#quotas = quotas;
    this.#readAtMs = now;
    this.#readAtRevision = root.revision;
    // What happened while nobody counted was not seen.
    if (!wasCounting) this.#usage.forget();
  }
}

const unbounded = { done: (): void => undefined };

function beyond(
  resource: keyof Amount,
  limited: number | undefined,
  growth: Amount,
  { [resource]: used }: Amount,
): Excess | undefined {
  const requested = growth[resource];
  if (limited === undefined || requested <= 0 || used + requested <= limited) return undefined;
  return { resource, requested, used, limited };
}
