/** What this room throws. */

/** Some events were not taken, in as many tries as there are; others of them may have been. Putting all again is safe. */
export class EventsRefusedError extends Error {
  override readonly name = "EventsRefusedError";
  readonly uid: string;
  constructor(uid: string, { events, why }: { readonly events: number; readonly why: unknown }) {
    super(`${events} events of ${uid} were not taken: ${why instanceof Error ? why.message : String(why)}`, { cause: why });
    this.uid = uid;
  }
}
