/**
 * How far the applied marker lies behind the head, in entries and stored bytes (DESIGN section 1, rule 5). A writer may judge by an
 * old marker, for it only grows; it is read again after `appliedRecheckRevisions` or `appliedRecheckMs`.
 */
import { appliedRecheckMs, appliedRecheckRevisions, lagBytesMax, lagEntriesMax } from "../base/limits.ts";

export class Lag {
  #applied = 0;
  #readAtRevision = 0;
  #readAtMs = Number.NEGATIVE_INFINITY;
  /** Stored bytes of the entries above #applied, oldest first: entry #applied + 1 + i at i. */
  #sizes: number[] = [];
  #bytes = 0;

  /** Begins at a marker from which on every entry will be noted. */
  reset(applied: number, nowMs: number): void {
    this.#sizes = [];
    this.#bytes = 0;
    this.#applied = applied;
    this.#readAtRevision = applied;
    this.#readAtMs = nowMs;
  }

  /** The next entry's size. One at or below the marker, which may be known further than the replica is, does not count. */
  note(revision: number, bytes: number): void {
    if (revision <= this.#applied) return;
    this.#sizes.push(bytes);
    this.#bytes += bytes;
  }

  /** What a fresh read of the marker said, `revision` being the head that is known. */
  moved(applied: number, revision: number, nowMs: number): void {
    const gone = this.#sizes.splice(0, Math.max(0, applied - this.#applied));
    for (const size of gone) this.#bytes -= size;
    this.#applied = Math.max(this.#applied, applied);
    this.#readAtRevision = revision;
    this.#readAtMs = nowMs;
  }

  /** Whether the marker must be read again before the next append on top of `revision`. */
  isOld(revision: number, nowMs: number): boolean {
    // Large entries may come to the bound long before that: nobody is refused by an old marker.
    if (this.#bytes >= lagBytesMax / 2) return true;
    return revision - this.#readAtRevision >= appliedRecheckRevisions || nowMs - this.#readAtMs >= appliedRecheckMs;
  }

  /** undefined while so much more may be appended; else what is over its limit. */
  refusal(entries: number, bytes: number): string | undefined {
    const wanted = this.#sizes.length + entries;
    if (wanted > lagEntriesMax) return `${wanted} entries are not applied yet; at most ${lagEntriesMax}`;
    const wantedBytes = this.#bytes + bytes;
    if (wantedBytes > lagBytesMax) return `${wantedBytes} bytes of entries are not applied yet; at most ${lagBytesMax}`;
    return undefined;
  }
}
