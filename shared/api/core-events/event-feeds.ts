/** What a list and a watch of events ask the state: whose events, and whether a resourceVersion can be met. */
import { GoneError } from "../../state/errors.ts";
import type { EventCall } from "./event-call.ts";

export const feedOf = ({ api, namespace }: EventCall, uid: string) => ({
  journal: api.events,
  clock: api.clock,
  uid,
  namespace,
});

/** `sequence`: of the last write. Older states of events are not kept. @throws GoneError. */
export function checkAt(
  sequence: number,
  { kind, position }: { readonly kind: "exact" | "notOlderThan"; readonly position: { readonly revision: number } },
): void {
  if (position.revision > sequence) throw new GoneError(position.revision, `it lies above the last event's, ${sequence}`);
  if (kind === "exact" && position.revision < sequence)
    throw new GoneError(position.revision, "older states of events are not kept");
}
