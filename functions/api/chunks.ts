/** A body that is read as a stream, to its end or until the function's time is over: then it is let go, and what came is all there is. */

export async function* chunksOf(body: ReadableStream<Uint8Array>, leave: AbortSignal): AsyncGenerator<Uint8Array, void> {
  const reader = body.getReader();
  // A read that is under way ends with it.
  const cutOff = (): void => void reader.cancel().catch(() => undefined);
  leave.addEventListener("abort", cutOff, { once: true });
  if (leave.aborted) cutOff();
  try {
    for (let next = await reader.read(); !next.done; next = await reader.read()) yield next.value;
  } finally {
    leave.removeEventListener("abort", cutOff);
    cutOff();
  }
}
