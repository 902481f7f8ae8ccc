/**
 * How much room events take: so large each, so many of a namespace and of a cluster. When there are more, those that were written longest ago
 * go; with them the cells of those that expired long ago, which nobody can still ask for. It is looked after by the writes themselves.
 */
import type { Cell } from "../../log/ports.ts";
import { expiredKeptMs, type StoredEvent } from "./event-clock.ts";

/** Of one event's JSON: the clock carries it, too. Kubernetes' recorders write about 700 bytes. */
export const eventBytesMax = 8 * 1024;
export const eventsMaxInNamespace = 1_000;
export const eventsMax = 3_000;
/** The bounds are looked after with every so many new ones: so many more may be there. */
export const sweepEvery = 25;
/** Removed at once; more than come in between. */
const sweepMax = 100;
/** More cells than there can be, but for those that processes add at once. */
export const cellsReadMax = eventsMax + 1_000;

/** Only this room writes such cells. */
export const stored = (cell: Cell): StoredEvent => ({
  ...(cell.value as unknown as Omit<StoredEvent, "expires">),
  expires: cell.expires ?? 0,
});

/** The keys of `cells` that are to go beside the write of `except`; `lost`: whether somebody may still know of them. */
export function swept(
  cells: readonly Cell[],
  except: string,
  now: number,
): { readonly removed: readonly string[]; readonly lost: boolean } {
  const others = cells.filter(({ key }) => key !== except);
  const isOver = ({ expires = 0 }: Cell): boolean => expires + expiredKeptMs <= now;
  const over = others.filter(isOver).map(({ key }) => key);
  const kept = others.filter((cell) => !isOver(cell)).sort((one, other) => stored(other).sequence - stored(one).sequence);
  const excess = excessOf(kept.map(({ key }) => key)).reverse();
  return { removed: [...excess, ...over].slice(0, sweepMax), lost: excess.length > 0 };
}

/** Those beyond the bounds, of keys in the order newest first; there must be room for one more. */
function excessOf(keys: readonly string[]): string[] {
  const counts = new Map<string, number>();
  let total = 0;
  return keys.filter((key) => {
    const namespace = key.slice(0, key.lastIndexOf("/"));
    const count = counts.get(namespace) ?? 0;
    if (count >= eventsMaxInNamespace - 1 || total >= eventsMax - 1) return true;
    counts.set(namespace, count + 1);
    total += 1;
    return false;
  });
}
