/** The Objects port over the simulated world: each row is its own request, a page is read row by row. */
import { compareKeys } from "../../shared/log/key-order.ts";
import type { MarkerName, Markers, Objects, PageRange, Row, RowWrite } from "../../shared/log/ports.ts";
import { type Link, PortError } from "./link.ts";
import type { Life, StoredRow, World } from "./world.ts";

/** A rule of the rows' adapter that is broken. */
export type ObjectsBreak = "unclear rows count as written" | "rows are not waited for";

const hourMs = 3_600_000;
/** A create that lands after its key's deletion was forgotten brings it back: DESIGN bounds how late it can be. Others do no harm ever. */
const lateCreateMs = 10 * hourMs;
const lateOtherMs = 60 * hourMs;

export class SimulatedObjects implements Objects {
  readonly #world: World;
  readonly #link: Link;
  readonly #broken: string | undefined;

  constructor(world: World, link: Link, broken?: string) {
    this.#world = world;
    this.#link = link;
    this.#broken = broken;
  }

  begin(uid: string, first: number): Promise<Markers> {
    return this.#change(() => this.#world.life(uid).begin(first));
  }

  markers(uid: string): Promise<Markers | undefined> {
    return this.#read(() => this.#world.life(uid).markers);
  }

  move(uid: string, marker: MarkerName, step: { readonly from: number; readonly to: number }): Promise<boolean> {
    return this.#change(() => this.#world.life(uid).move(marker, step));
  }

  get(uid: string, key: string): Promise<Row | undefined> {
    return this.#read(() => rowOf(this.#world.life(uid).rows.get(key)));
  }

  async page(uid: string, range: PageRange): Promise<{ readonly rows: readonly Row[]; readonly next?: string }> {
    const life = this.#world.life(uid);
    const link = this.#link;
    let stored = await this.#read(() => rowsIn(life, range));
    if (link.happens("torn", link.options.faults.torn)) {
      const late = await this.#read(() => rowsIn(life, range));
      stored = mixed(stored, late, () => link.coin());
    }
    const here = stored.slice(0, range.limit);
    const rows = here.flatMap(([, row]) => rowOf(row) ?? []);
    const last = here.at(-1);
    return stored.length > here.length && last !== undefined ? { rows, next: last[0] } : { rows };
  }

  async apply(uid: string, writes: readonly RowWrite[], now: number): Promise<void> {
    const life = this.#world.life(uid);
    const all = Promise.allSettled(writes.map((write) => this.#write(life, write, now)));
    if (this.#broken === "rows are not waited for") return;
    const failed = (await all).find(({ status }) => status === "rejected");
    if (failed !== undefined && this.#broken !== "unclear rows count as written")
      throw new PortError("apply: not all rows are certain");
  }

  remove(uid: string, limit: number): Promise<boolean> {
    return this.#change(() => this.#world.life(uid).remove(limit));
  }

  #write(life: Life, write: RowWrite, now: number): Promise<void> {
    return this.#change(() => life.writeRow(write, now), write.action === "create" ? lateCreateMs : lateOtherMs);
  }

  async #read<T>(look: () => T): Promise<T> {
    const link = this.#link;
    await link.travel();
    const refused = link.happens("refused", link.options.faults.refuse);
    const seen = look();
    await link.back();
    if (refused) throw new PortError("read: refused");
    return seen;
  }

  async #change<T>(act: () => T, lateMostMs = Number.POSITIVE_INFINITY): Promise<T> {
    const link = this.#link;
    await link.travel();
    const fate = link.fate();
    if (fate === "late") link.options.scheduler.after(link.lateMs(lateMostMs), act);
    if (fate === "lost after" || fate === "twice") act();
    const done = fate === "done" || fate === "twice" ? { value: act() } : undefined;
    await link.back();
    if (done === undefined) throw new PortError(fate);
    return done.value;
  }
}

type Stored = readonly [string, StoredRow];

const rowsIn = (life: Life, { prefix, after }: PageRange): Stored[] =>
  [...life.rows]
    .filter(([key]) => key.startsWith(prefix) && (after === undefined || compareKeys(key, after) > 0))
    .sort(([left], [right]) => compareKeys(left, right));

/** Each row as it was at one of two times. */
function mixed(early: readonly Stored[], late: readonly Stored[], coin: () => boolean): Stored[] {
  const keys = new Set([...early, ...late].map(([key]) => key));
  const [before, now] = [new Map(early), new Map(late)];
  return [...keys].sort(compareKeys).flatMap((key): Stored[] => {
    const row = (coin() ? before : now).get(key);
    return row === undefined ? [] : [[key, row]];
  });
}

function rowOf(stored: StoredRow | undefined): Row | undefined {
  if (stored === undefined || stored.write.action === "delete") return undefined;
  const { key, revision, value } = stored.write;
  return { key, revision, value };
}
