/** The Log port over the simulated world: what DynamoLog does, with a link that can fail at every step. */
import type { Appended, EncodedEntry, Log, ReadOptions, Tail } from "../../shared/log/ports.ts";
import { type Link, PortError } from "./link.ts";
import type { Item, World } from "./world.ts";

/** A rule of the log's adapter that is broken. */
export type LogBreak = "query is taken as dense" | "new id for each try" | "stub reads as the end";

export type LogShape = {
  readonly appendMax: number;
  readonly compressAboveBytes: number;
  /** One process writes and knows the head. */
  readonly exclusive: boolean;
};

type Query = { readonly items: readonly Item[]; readonly end: boolean };

export class SimulatedLog implements Log {
  readonly appendMax: number;
  readonly compressAboveBytes: number;
  readonly #world: World;
  readonly #link: Link;
  readonly #exclusive: boolean;
  readonly #broken: string | undefined;
  readonly #tried = new WeakSet<readonly EncodedEntry[]>();

  constructor(world: World, link: Link, shape: LogShape, broken?: string) {
    this.#world = world;
    this.#link = link;
    this.appendMax = shape.appendMax;
    this.compressAboveBytes = shape.compressAboveBytes;
    this.#exclusive = shape.exclusive;
    this.#broken = broken;
  }

  async append(uid: string, given: readonly EncodedEntry[]): Promise<Appended> {
    const link = this.#link;
    const run =
      this.#broken === "new id for each try" && this.#tried.has(given) ? given.map((each) => renamed(each, link.uuid())) : given;
    this.#tried.add(given);
    const life = this.#world.life(uid);
    await link.travel();
    const fate = link.fate();
    const unknown: Appended = { kind: "unknown", cause: new PortError(fate) };
    switch (fate) {
      case "done":
        return this.#reply(life.put(run));
      case "twice":
        life.put(run);
        return this.#reply(life.put(run));
      case "refused":
        return this.#reply({ kind: "refused", cause: new PortError(fate) });
      case "lost before":
        return this.#reply(unknown);
      case "lost after":
        life.put(run);
        return this.#reply(unknown);
      case "late":
        link.options.scheduler.after(link.lateMs(Number.POSITIVE_INFINITY), () => life.put(run));
        return this.#reply(unknown);
      default:
        return fate satisfies never;
    }
  }

  async read(uid: string, options: ReadOptions): Promise<Tail> {
    const query = await this.#query(uid, options);
    const [first] = query.items;
    if (first === undefined || first.revision === options.after + 1) return this.#tail(options.after, query);
    // What follows was seen and `after + 1` was not: it was there before, so that a consistent read which begins now finds it.
    const again = await this.#query(uid, { ...options, consistent: true });
    return again.items[0]?.revision === options.after + 1 ? this.#tail(options.after, again) : { kind: "trimmed" };
  }

  async strip(uid: string, { after, upTo }: { readonly after: number; readonly upTo: number }): Promise<void> {
    const life = this.#world.life(uid);
    const link = this.#link;
    for (let start = after + 1; start <= upTo; ) {
      // What is written in one request is written in any order.
      const together = link.happens("torn", link.options.faults.torn) ? 2 : 1;
      for (let revision = Math.min(upTo, start + together - 1); revision >= start; revision -= 1)
        await this.#stub(() => life.strip(revision));
      start += together;
    }
    await link.back();
  }

  head(uid: string): number | undefined {
    if (!this.#exclusive) return undefined;
    const life = this.#world.life(uid);
    return life.head ?? (life.markers === undefined ? undefined : life.markers.first - 1);
  }

  async #stub(write: () => void): Promise<void> {
    const link = this.#link;
    await link.travel();
    const fate = link.fate();
    if (fate === "done" || fate === "twice" || fate === "lost after") write();
    if (fate === "late") link.options.scheduler.after(link.lateMs(Number.POSITIVE_INFINITY), write);
    if (fate !== "done" && fate !== "twice") throw new PortError(`strip: ${fate}`);
  }

  async #query(uid: string, { after, limit, consistent }: ReadOptions): Promise<Query> {
    const life = this.#world.life(uid);
    const link = this.#link;
    const { torn, behind, refuse } = link.options.faults;
    await link.travel();
    if (link.happens("refused", refuse)) {
      await link.back();
      throw new PortError("read: refused");
    }
    let items = life.itemsAbove(after);
    if (link.happens("torn", torn)) {
      const early = new Map(items.map((item) => [item.revision, item]));
      await link.travel();
      items = life.itemsAbove(after).flatMap((late) => (link.coin() ? [late] : [early.get(late.revision) ?? []].flat()));
    }
    if (!consistent && link.happens("behind", behind)) {
      const seenMs = this.#world.nowMs() - link.lateMs(20_000);
      items = items.filter(({ landedMs }) => landedMs <= seenMs);
    }
    await link.back();
    return { items: items.slice(0, limit), end: items.length < limit || (items.length === limit && link.coin()) };
  }

  /** The run that is dense from `after + 1`; what lies past a gap or a stub is read again. */
  #tail(after: number, { items, end }: Query): Tail {
    const entries: EncodedEntry[] = [];
    for (const { revision, encoded } of items) {
      const follows = revision === after + entries.length + 1 || this.#broken === "query is taken as dense";
      if (encoded === undefined && this.#broken === "stub reads as the end") return { kind: "entries", entries, end: true };
      if (encoded === undefined || !follows)
        return entries.length > 0 ? { kind: "entries", entries, end: false } : { kind: "trimmed" };
      entries.push(encoded);
    }
    return { kind: "entries", entries, end };
  }

  async #reply(appended: Appended): Promise<Appended> {
    await this.#link.back();
    return appended;
  }
}

const renamed = ({ entry, bytes }: EncodedEntry, id: string): EncodedEntry => ({ entry: { ...entry, id }, bytes });
