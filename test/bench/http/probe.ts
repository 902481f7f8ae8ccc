/**
 * Loaded before a measured server (`node --expose-gc --import probe.ts …`): answers over the channel to the process that started it how
 * much memory is used. It opens no port, and does nothing while it is not asked.
 */
import assert from "node:assert";
import { Socket } from "node:net";

/**
 * collect: after its garbage is gone. sample: from now on, until "peak" asks for the most that was seen; sampleLive: the same of what is
 * in use, with the garbage collected before each look.
 */
export type Question = "collect" | "sample" | "sampleLive" | "peak";
export type Memory = { readonly heapBytes: number; readonly residentBytes: number };

/** Between two looks, beside those at each write to a connection: a list may be written in one turn, in which no timer runs. */
const sampleMs = 2;

let sampling: NodeJS.Timeout | undefined;
let seen: (() => void) | undefined;
let most: Memory = { heapBytes: 0, residentBytes: 0 };

process.on("message", (question: Question) => {
  process.send?.(answer(question));
});
// The channel alone does not keep the server running.
process.channel?.unref();

function answer(question: Question): Memory {
  switch (question) {
    case "collect":
      return collected();
    case "sample":
      return sample(look);
    case "sampleLive":
      return sample(() => collected(1));
    case "peak":
      clearInterval(sampling);
      seen = undefined;
      return most;
    default:
      return question satisfies never;
  }
}

function sample(by: () => Memory): Memory {
  most = by();
  seen = () => {
    most = larger(most, by());
  };
  sampling = setInterval(seen, sampleMs);
  return most;
}

const write = Socket.prototype.write;
Socket.prototype.write = function (this: Socket, ...args: Parameters<typeof write>): boolean {
  const taken = write.apply(this, args);
  seen?.();
  return taken;
} as typeof write;

/** Finalizers free what a later pass finds. */
function collected(passes = 4): Memory {
  assert(globalThis.gc !== undefined, "run with --expose-gc");
  for (let pass = 0; pass < passes; pass += 1) globalThis.gc();
  return look();
}

/** Buffers count as heap: they lie beside it, and are made by the same code. */
function look(): Memory {
  const { heapUsed, external, rss } = process.memoryUsage();
  return { heapBytes: heapUsed + external, residentBytes: rss };
}

const larger = (one: Memory, other: Memory): Memory => ({
  heapBytes: Math.max(one.heapBytes, other.heapBytes),
  residentBytes: Math.max(one.residentBytes, other.residentBytes),
});
