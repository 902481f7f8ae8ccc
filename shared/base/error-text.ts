/** What an error says, for people and for messages that pass it on: also of what is thrown and is no Error. */
export function errorText(error: unknown): string {
  // Node's, of a host whose addresses were all tried: it says nothing itself.
  if (error instanceof AggregateError && error.message === "") return error.errors.map(errorText).join("; ");
  return error instanceof Error ? error.message : String(error);
}
