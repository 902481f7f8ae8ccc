/** What a process opens when it is first asked for, and keeps for those who ask later. */

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
