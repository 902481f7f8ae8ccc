/** Many at once, but not all: bounded work over a list. */

/** What `work` answers for each item, in their order; at most `atOnceMax` at a time. Rejects with the first rejection, and begins no more then. */
export async function inParallel<Item, Result>(
  items: readonly Item[],
  atOnceMax: number,
  work: (item: Item) => Promise<Result>,
): Promise<Result[]> {
  const results: Result[] = [];
  const rest = items.entries();
  let failed = false;
  const worker = async (): Promise<void> => {
    for (const [index, item] of rest) {
      if (failed) return;
      results[index] = await work(item);
    }
  };
  const start = (): Promise<void> =>
    worker().catch((error: unknown) => {
      failed = true;
      throw error;
    });
  await Promise.all(Array.from({ length: Math.min(atOnceMax, items.length) }, start));
  return results;
}
