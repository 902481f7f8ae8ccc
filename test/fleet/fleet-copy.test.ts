/** Bytes between a container's stream and who listens: whoever leaves is noticed at once, and nothing that was passed on is kept. */
import { PassThrough } from "node:stream";
import { setImmediate } from "node:timers/promises";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { expect, it } from "vitest";
import { copyIn, copyOut, ListenerLeftError } from "../../shared/fleet/fleet/copy.ts";

it.each([true, false])(
  "a listener that leaves while the container says nothing ends the container's stream (terminal: %s)",
  async (isTty) => {
    for (const name of ["stdout", "stderr"] as const) {
      const [silent, listener] = [new PassThrough(), new PassThrough()];
      const copying = copyOut(silent, { isTty, sink: { [name]: listener } });
      const outcome = expect(copying).rejects.toThrow(ListenerLeftError);
      listener.destroy();
      await outcome;
      expect(silent.destroyed).toBe(true);
    }
  },
);

it("a listener that had left before ends it, too", async () => {
  const [silent, listener] = [new PassThrough(), new PassThrough()];
  listener.destroy();
  await expect(copyOut(silent, { isTty: true, sink: { stdout: listener } })).rejects.toThrow(ListenerLeftError);
  expect(silent.destroyed).toBe(true);
});

it("input that was passed on is not kept", async () => {
  setFlagsFromString("--expose-gc");
  const gc = runInNewContext("gc") as () => void;
  const chunks = 50;
  const given: WeakRef<Uint8Array>[] = [];
  const { promise: last, resolve: goOn } = Promise.withResolvers<void>();
  async function* input() {
    for (let count = 0; count < chunks; count += 1) {
      const chunk = Buffer.alloc(64 * 1024);
      given.push(new WeakRef(chunk));
      yield chunk;
    }
    await last;
  }
  const stream = new PassThrough().resume();
  const copying = copyIn(input(), stream);
  await expect.poll(() => given.length).toBe(chunks);
  const kept = async (): Promise<number> => {
    await setImmediate();
    gc();
    return given.filter((one) => one.deref() !== undefined).length;
  };
  await expect.poll(kept).toBeLessThan(5);
  goOn();
  await copying;
});

it("input is left when the container's stream is over", async () => {
  let isLeft = false;
  const input = {
    [Symbol.asyncIterator]: () => ({
      next: () => new Promise<IteratorResult<Uint8Array>>(() => undefined),
      return: async () => {
        isLeft = true;
        return { done: true as const, value: undefined };
      },
    }),
  };
  const stream = new PassThrough();
  const copying = copyIn(input, stream);
  stream.destroy();
  await copying;
  expect(isLeft).toBe(true);
});
