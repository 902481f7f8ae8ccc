/** A pushed body as a reader pulls it: what a test of a watch reads from. */
import type { PushedBody } from "../../shared/http/exchange.ts";

/** A pushed body as a stream that holds one write at a time. */
export function pulled(body: PushedBody): ReadableStream<Uint8Array> {
  let isFull = false;
  return new ReadableStream<Uint8Array>(
    {
      start(controller) {
        body.begin({
          write(bytes) {
            controller.enqueue(bytes);
            isFull = (controller.desiredSize ?? 0) <= 0;
            return !isFull;
          },
          end: () => controller.close(),
        });
      },
      pull() {
        if (!isFull) return;
        isFull = false;
        body.drained();
      },
      cancel: () => body.left(),
    },
    { highWaterMark: 1 },
  );
}
