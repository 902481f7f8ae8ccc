/**
 * Which clusters are known to lag: a cell each beside the installation, written by whoever could not bring one forward, removed by
 * whoever did so later. A note that is missing costs time, never data: all clusters are looked at from time to time.
 */
import type { JsonObject } from "../../base/json.ts";
import type { Cell, Cells } from "../../log/ports.ts";
import { installationUid } from "../cluster-lives.ts";

export type LagNote = {
  readonly uid: string;
  /** Whether its objects must be looked at for what owners and finalizers left undone, too. */
  readonly sweep: boolean;
  /** Which note it is: one that was written anew is not removed by who has read the former. */
  readonly version: number;
};

const prefix = "lag/";
/** Tries to write a note that others write or remove at the same time. */
const triesMax = 5;

export class LagNotes {
  readonly #cells: Cells;

  constructor(cells: Cells) {
    this.#cells = cells;
  }

  /** Notes that `uid` lags. Rejects when that could not be written: then nobody knows. Safe to repeat. */
  async add(uid: string, { sweep }: { readonly sweep: boolean }): Promise<void> {
    const key = prefix + uid;
    let there: Cell | undefined;
    for (let tries = 0; tries < triesMax; tries += 1) {
      // A new version, also where nothing else is new: it outlives a removal that follows from an older state.
      const when = there === undefined ? "absent" : { version: there.version };
      const value: JsonObject = { sweep: sweep || there?.value["sweep"] === true };
      const put = await this.#cells.put(installationUid, { key, value, when });
      if (put.kind === "put") return;
      there = put.cell;
    }
    throw new Error(`the note on ${uid} changed ${triesMax} times while it was written`);
  }

  /** `limit` at most, in the order of uids. */
  async list(limit: number): Promise<readonly LagNote[]> {
    const cells = await this.#cells.list(installationUid, prefix, limit);
    return cells.map(({ key, version, value }) => ({ uid: key.slice(prefix.length), sweep: value["sweep"] === true, version }));
  }

  /** Removes the note, unless it was written anew. */
  async remove({ uid, version }: LagNote): Promise<void> {
    await this.#cells.delete(installationUid, prefix + uid, version);
  }
}
