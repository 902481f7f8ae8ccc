/**
 * resourceVersion = revision * 1000 + the change's place in its entry; 999 stands for "all of the entry" (lists, bookmarks).
 * One decimal number below 2^53, so that a watch can be resumed in the middle of an entry.
 */
const placesPerRevision = 1_000;
const wholeEntry = 999;

export type Position = { readonly revision: number; readonly place: number };

export const versionOf = (revision: number, place: number): string => String(revision * placesPerRevision + place);

/** The version of a list, or of a bookmark: everything up to and with `revision`. */
export const versionAt = (revision: number): string => versionOf(revision, wholeEntry);

/** undefined when `text` is not a resourceVersion: decimal, no sign, no leading zero, at most 2^53. "0" is not a position. */
export function parseVersion(text: string): Position | undefined {
  if (!/^[1-9][0-9]{0,15}$/.test(text)) return undefined;
  const number = Number(text);
  if (!Number.isSafeInteger(number)) return undefined;
  return { revision: Math.floor(number / placesPerRevision), place: number % placesPerRevision };
}

/** The last revision that lies wholly at or before the position. */
export const lastWhole = ({ revision, place }: Position): number => (place === wholeEntry ? revision : revision - 1);
