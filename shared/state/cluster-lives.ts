/**
 * The beginning and the end of clusters' logs. A life begins above the seal of the one it replaces, and never again once it was
 * sealed; what it left behind is removed in bounded steps, each of which may be the last before a crash.
 */
import type { Clock } from "../base/clock.ts";
import type { Cells, Log, Objects } from "../log/ports.ts";

export type ClusterLivesOptions = { readonly log: Log; readonly objects: Objects; readonly cells: Cells; readonly clock: Clock };

/** Where cells of the installation itself stand: the root's current life, seals and tokens. */
export const installationUid = "installation";
/** The seal of the last cluster of a name. */
const sealCell = (name: string): string => `seal/${name}`;

type Seal = { readonly uid: string; readonly revision: number };
type Named = { readonly name: string; readonly uid: string };

/** Entries stripped, and items removed, in one step. */
const stepEntries = 100;
const stepItems = 500;

export class ClusterLives {
  readonly #options: ClusterLivesOptions;

  constructor(options: ClusterLivesOptions) {
    this.#options = options;
  }

  /** Whoever comes first begins the life; false: it is over. A crash between the Cluster's commit and this leaves nothing half-done. */
  async begin({ name, uid }: Named): Promise<boolean> {
    const { objects, clock } = this.#options;
    const former = await this.sealOf(name);
    if (former?.uid === uid) return false;
    const first = Math.max(clock.now(), (former?.revision ?? 0) + 1);
    const markers = await objects.begin(uid, first);
    if (markers.first !== first) return true;
    // Perhaps it has just been begun for a second time, after its end: the seal is noted before the markers go.
    if ((await this.sealOf(name))?.uid !== uid) return true;
    await this.#removeItems(uid, 1);
    return false;
  }

  /** The last seal of the name; undefined: no cluster of it was ever removed. */
  async sealOf(name: string): Promise<Seal | undefined> {
    const cell = await this.#options.cells.get(installationUid, sealCell(name));
    if (cell === undefined) return undefined;
    const { uid, revision } = cell.value;
    return { uid: String(uid ?? ""), revision: Number(revision) };
  }

  /** Remembers the highest seal of a name. */
  async keepSeal({ name, uid }: Named, revision: number): Promise<void> {
    const { cells } = this.#options;
    const key = sealCell(name);
    for (let cell = await cells.get(installationUid, key); Number(cell?.value["revision"] ?? 0) < revision; ) {
      const when = cell === undefined ? "absent" : { version: cell.version };
      const put = await cells.put(installationUid, { key, value: { uid, revision }, when });
      if (put.kind === "put") return;
      cell = put.cell;
    }
  }

  /** Whether anything of a life is known. */
  async isThere(uid: string): Promise<boolean> {
    return (await this.#options.objects.markers(uid)) !== undefined;
  }

  /**
   * Removes what a sealed life left, `steps` steps at most: entries become stubs up to its seal, rows and cells go, at last the markers.
   * true when nothing is left. Its events that nobody has published by now are not published any more. Safe to repeat and to race.
   */
  async remove({ uid, revision: seal }: Seal, steps: number): Promise<boolean> {
    for (let step = 0; step < steps; step += 1) {
      const markers = await this.#options.objects.markers(uid);
      if (markers === undefined) return true;
      const { applied, published, stripped } = markers;
      // Who reads it from now on begins right below the seal, and meets it.
      if (applied < seal - 1) await this.#move(uid, "applied", { from: applied, to: seal - 1 });
      else if (published < seal - 1) await this.#move(uid, "published", { from: published, to: seal - 1 });
      else if (stripped < seal - 1) await this.#strip(uid, stripped, Math.min(seal - 1, stripped + stepEntries));
      else return this.#removeItems(uid, steps - step);
    }
    return false;
  }

  /** Whoever moved the marker meanwhile moved it further. */
  async #move(uid: string, marker: "applied" | "published", step: { readonly from: number; readonly to: number }): Promise<void> {
    await this.#options.objects.move(uid, marker, step);
  }

  async #strip(uid: string, after: number, upTo: number): Promise<void> {
    const { log, objects } = this.#options;
    await log.strip(uid, { after, upTo });
    await objects.move(uid, "stripped", { from: after, to: upTo });
  }

  async #removeItems(uid: string, steps: number): Promise<boolean> {
    for (let step = 0; step < steps; step += 1) if (await this.#options.objects.remove(uid, stepItems)) return true;
    return false;
  }
}
