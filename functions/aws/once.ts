/** What an execution environment opens at its first invocation and keeps for the ones after it. */

/** Gives what `open` gave, also to those who ask meanwhile; asks again after a failure. */
export function once<T>(open: () => Promise<T>): () => Promise<T> {
  let opened: Promise<T> | undefined;
  return () => {
    opened ??= open().catch((error: unknown) => {
      opened = undefined;
      throw error;
    });
    return opened;
  };
}
