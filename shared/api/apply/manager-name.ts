/** Who writes, as managedFields name them: what the query says, or the first part of the User-Agent. Kubernetes' rules for both. */
import { type FieldError, invalid, tooLong } from "../../kinds/field-error.ts";

/** Kubernetes: FieldManagerMaxLength, in bytes. */
export const managerBytesMax = 128;
/** Kubernetes: of a client that does not say who it is. */
const unknownManager = "unknown";

/** Go's unicode.IsPrint: letters, marks, numbers, punctuation, symbols and the ASCII space. */
const printable = /^[\p{L}\p{M}\p{N}\p{P}\p{S} ]$/u;

/** Most names: they need not be looked at letter by letter. */
const plainForm = new RegExp(`^[ -~]{1,${managerBytesMax}}$`);

export function checkManager(name: string, field: string): FieldError[] {
  if (plainForm.test(name)) return [];
  const errors = Buffer.byteLength(name) > managerBytesMax ? [tooLong(field, managerBytesMax, "bytes")] : [];
  const at = [...name].findIndex((character) => !printable.test(character));
  return at === -1 ? errors : [...errors, invalid(field, name, `invalid character at position ${at}`)];
}

/** What stands before the first slash, without what can't be printed, as long as a name may be. */
export function managerOfUserAgent(userAgent: string | undefined): string {
  const [first = ""] = (userAgent ?? "").split("/", 1);
  if (plainForm.test(first)) return first;
  let name = "";
  let bytes = 0;
  for (const character of first) {
    if (!printable.test(character)) continue;
    bytes += Buffer.byteLength(character);
    if (bytes > managerBytesMax) break;
    name += character;
  }
  return name === "" ? unknownManager : name;
}
