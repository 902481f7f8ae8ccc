/** How far what derives from one log lies behind it, at the price of two small reads. */
import type { Clock } from "../../base/clock.ts";
import type { Entry, Log, Markers, Objects } from "../../log/ports.ts";

export type LagOf = {
  /** How long ago the oldest entry was committed that is not applied and published; 0: there is none. In milliseconds. */
  readonly ms: number;
  /** undefined: there is no such life. */
  readonly markers: Markers | undefined;
};

type Ports = { readonly log: Log; readonly objects: Objects; readonly clock: Clock };

/** May miss what was committed in the last moment. */
export async function lagOf(uid: string, { log, objects, clock }: Ports): Promise<LagOf> {
  const markers = await objects.markers(uid);
  if (markers === undefined) return { ms: 0, markers };
  const after = Math.min(markers.applied, markers.published);
  const tail = await log.read(uid, { after, limit: 1, consistent: false });
  const [oldest] = tail.kind === "entries" ? tail.entries : [];
  if (oldest === undefined || isWhereItShould(oldest.entry, markers)) return { ms: 0, markers };
  // At least 1: there is one, whatever the clocks of its writer and of this process say.
  return { ms: Math.max(1, clock.now() - oldest.entry.time), markers };
}

/** A seal is published, but never applied. */
const isWhereItShould = ({ seal, revision }: Entry, { published }: Markers): boolean => seal === true && published >= revision;
