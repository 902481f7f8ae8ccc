/**
 * Strips entries that are older than the retention, and applied and published, to stubs: oldest first, so that a position is never
 * empty again and a reader that meets a stub knows that all before it are stubs (DESIGN section 1, rule 4).
 */
import type { Log, Objects } from "../log/ports.ts";

export type StripperOptions = { readonly log: Log; readonly objects: Objects };

/** Entries of one step: what a crash may leave stripped above the marker. */
const stepEntries = 100;

export class Stripper {
  readonly #options: StripperOptions;

  constructor(options: StripperOptions) {
    this.#options = options;
  }

  /**
   * Strips entries written at or before `before` (milliseconds since 1970), `steps` hundreds at most; how many were stripped.
   * An entry that looks younger keeps those after it. Safe to repeat and to run beside others.
   */
  async run(uid: string, { before, steps }: { readonly before: number; readonly steps: number }): Promise<number> {
    let stripped = 0;
    for (let step = 0; step < steps; step += 1) {
      const count = await this.#step(uid, before);
      stripped += count;
      if (count === 0) return stripped;
    }
    return stripped;
  }

  async #step(uid: string, before: number): Promise<number> {
    const { log, objects } = this.#options;
    const markers = await objects.markers(uid);
    if (markers === undefined) return 0;
    const from = markers.stripped;
    const most = Math.min(markers.applied, markers.published, from + stepEntries);
    if (most <= from) return 0;
    const upTo = await this.#lastOld(uid, { from, most, before });
    if (upTo === from) return 0;
    await log.strip(uid, { after: from, upTo });
    await objects.move(uid, "stripped", { from, to: upTo });
    return upTo - from;
  }

  /** The last of the entries above `from`, `most` at most, that is old; stubs that an interrupted step left count as old. */
  async #lastOld(
    uid: string,
    { from, most, before }: { readonly from: number; readonly most: number; readonly before: number },
  ): Promise<number> {
    for (let position = from; position < most; ) {
      const tail = await this.#options.log.read(uid, { after: position, limit: most - position, consistent: true });
      if (tail.kind === "trimmed") {
        position += 1;
        continue;
      }
      for (const { entry } of tail.entries) {
        if (entry.time > before || entry.revision > most) return position;
        position = entry.revision;
      }
      if (tail.end) return position;
    }
    return most;
  }
}
