/** Waits for the end of what runs until it is told to stop. */

/** Resolves when `signal` aborts, or has. */
export function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });
}
