/**
 * What the simulated store holds, item by item, as DynamoDB would: each act here is one atomic request on one item. Links (link.ts)
 * carry the ports' calls to it, with all that can go wrong on the way. Some rules can be broken here on purpose (bites.test.ts).
 */
import { deepFreeze } from "../../shared/base/json.ts";
import { tombstoneMs } from "../../shared/base/limits.ts";
import { Lives } from "../../shared/log/memory/life.ts";
import type { Appended, EncodedEntry, MarkerName, Markers, RowWrite } from "../../shared/log/ports.ts";

/** A rule of the store that is broken. */
export type WorldBreak =
  | "stub is free"
  | "strip deletes"
  | "row takes any revision"
  | "update over nothing"
  | "delete leaves no tombstone"
  | "tombstone is short"
  | "create over a tombstone"
  | "marker moves from any value";

export type Item = { readonly revision: number; readonly landedMs: number; readonly encoded: EncodedEntry | undefined };
export type StoredRow = { readonly write: RowWrite; readonly expiresMs?: number };

/** Told of what was done, when it has been done. */
export interface Observer {
  landed(life: Life, run: readonly EncodedEntry[]): void;
  moved(life: Life, marker: MarkerName, step: { readonly from: number; readonly to: number }): void;
  stripped(life: Life, revision: number): void;
  tombstone(life: Life, key: string, expiresMs: number): void;
}
const nobody: Observer = {
  landed: () => undefined,
  moved: () => undefined,
  stripped: () => undefined,
  tombstone: () => undefined,
};

export class Life {
  readonly uid: string;
  readonly items = new Map<number, Item>();
  readonly rows = new Map<string, StoredRow>();
  markers: Markers | undefined;
  head: number | undefined;
  readonly #world: World;

  constructor(uid: string, world: World) {
    this.uid = uid;
    this.#world = world;
  }

  put(run: readonly EncodedEntry[]): Appended {
    const revision = run[0]?.entry.revision ?? 0;
    const there = this.items.get(revision);
    const isFree = there === undefined || (there.encoded === undefined && this.#world.breaks("stub is free"));
    if (!isFree) return { kind: "conflict", entry: there.encoded };
    for (const { entry, bytes } of run) {
      const item = { revision: entry.revision, landedMs: this.#world.nowMs(), encoded: { entry: deepFreeze(entry), bytes } };
      this.items.set(entry.revision, item);
      this.head = Math.max(this.head ?? 0, entry.revision);
    }
    this.#world.observer.landed(this, run);
    return { kind: "committed" };
  }

  strip(revision: number): void {
    if (this.#world.breaks("strip deletes")) this.items.delete(revision);
    else this.items.set(revision, { revision, landedMs: this.items.get(revision)?.landedMs ?? 0, encoded: undefined });
    this.#world.observer.stripped(this, revision);
  }

  /** Positions above `after` in order. */
  itemsAbove(after: number): Item[] {
    const items: Item[] = [];
    for (const item of this.items.values()) if (item.revision > after) items.push(item);
    return items.sort((left, right) => left.revision - right.revision);
  }

  begin(first: number): Markers {
    this.markers ??= Object.freeze({ first, applied: first - 1, published: first - 1, stripped: first - 1 });
    return this.markers;
  }

  move(marker: MarkerName, { from, to }: { readonly from: number; readonly to: number }): boolean {
    if (this.markers === undefined) return false;
    const there = this.markers[marker];
    if (there !== from && !this.#world.breaks("marker moves from any value")) return false;
    this.markers = Object.freeze({ ...this.markers, [marker]: to });
    this.#world.observer.moved(this, marker, { from: there, to });
    return true;
  }

  writeRow(write: RowWrite, callMs: number): void {
    const { breaks } = this.#world;
    const there = this.rows.get(write.key);
    const over = breaks("create over a tombstone") && there?.write.action === "delete" ? undefined : there;
    const isAgain = write.action === "delete" && over?.write.action === "delete" && over.write.revision === write.revision;
    if (over !== undefined && over.write.revision >= write.revision && !isAgain && !breaks("row takes any revision")) return;
    const isThere = over !== undefined && over.write.action !== "delete";
    if (write.action === "update" && !isThere && !breaks("update over nothing")) return;
    if (write.action !== "delete") {
      this.rows.set(write.key, { write: deepFreeze(write) });
      return;
    }
    if (breaks("delete leaves no tombstone")) {
      this.rows.delete(write.key);
      return;
    }
    const expiresMs = callMs + (breaks("tombstone is short") ? 60_000 : tombstoneMs);
    this.rows.set(write.key, { write: deepFreeze(write), expiresMs });
    this.#world.observer.tombstone(this, write.key, expiresMs);
  }

  /** Removes the key's tombstone if its time is over. */
  expire(key: string): void {
    const expiresMs = this.rows.get(key)?.expiresMs;
    if (expiresMs !== undefined && expiresMs <= this.#world.nowMs()) this.rows.delete(key);
  }

  /** Rows, then cells, then markers go; true when nothing is left. */
  remove(limit: number): boolean {
    const cells = this.#world.cells.get(this.uid)?.cells;
    const steps = [
      ...[...this.rows.keys()].map((key) => () => void this.rows.delete(key)),
      ...[...(cells?.range("", undefined) ?? [])].map(
        ({ key }) =>
          () =>
            void cells?.delete(key),
      ),
    ];
    for (const step of steps.slice(0, limit)) step();
    if (steps.length > limit) return false;
    this.markers = undefined;
    return true;
  }
}

export class World {
  readonly nowMs: () => number;
  /** Cells have no part in the simulation; they stand here for the conformance of `remove`. */
  readonly cells = new Lives();
  readonly breaks: (rule: WorldBreak) => boolean;
  observer: Observer = nobody;
  readonly #lives = new Map<string, Life>();

  constructor(nowMs: () => number, broken?: WorldBreak) {
    this.nowMs = nowMs;
    this.breaks = (rule) => rule === broken;
  }

  life(uid: string): Life {
    let life = this.#lives.get(uid);
    if (life === undefined) {
      life = new Life(uid, this);
      this.#lives.set(uid, life);
    }
    return life;
  }
}
