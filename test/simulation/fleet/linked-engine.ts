/**
 * The Engine port as one process reaches a machine: each call travels there and back, may get lost or come late, and does not get through
 * a partition. What arrives is done, whether or not its caller still waits. Whoever watches is told of each call that arrives.
 */

import type { Call, Rows } from "../../../shared/fleet/engine/call.ts";
import type { Engine, EngineEvent } from "../../../shared/fleet/engine.ts";
import type { FleetCode } from "./code.ts";
import { type Line, never } from "./line.ts";
import type { Machine } from "./machine.ts";

export type Asked = { readonly machine: Machine; readonly verb: string; readonly args: readonly unknown[] };

export type LinkedOptions = {
  readonly code: FleetCode;
  readonly line: Line;
  readonly machine: Machine;
  /** Whether the process and the machine reach each other now. */
  readonly isCutOff: () => boolean;
  /** Of the events of engines, in [0, 1]. */
  readonly lostEvents: number;
  readonly arrived: (asked: Asked) => void;
};

/** Calls that change nothing: to lose them is not worth a fault of its own. */
const reads = new Set(["ping", "info", "version", "events", "inspect", "list"]);
/** Made once: an error for each call costs more than the call. */
const isDone = new Error("it was answered in time");
const defaultTimeoutMs = 60_000;

export const isChange = ({ verb }: Pick<Asked, "verb">): boolean => !reads.has(verb.slice(verb.indexOf(".") + 1));

export function linkedEngine(options: LinkedOptions): Engine {
  const engine = options.machine.engine.open();
  const parts = Object.entries(engine).map(([name, part]) => {
    if (typeof part !== "object" || part === null) return [name, part] as const;
    const verbs = Object.entries(part as Record<string, (...args: unknown[]) => Promise<unknown>>);
    return [name, Object.fromEntries(verbs.map(([verb, act]) => [verb, linked(`${name}.${verb}`, act, options)]))] as const;
  });
  return { ...(Object.fromEntries(parts) as Engine), [Symbol.asyncDispose]: async () => undefined };
}

type Act = (...args: unknown[]) => Promise<unknown>;

function linked(verb: string, act: Act, options: LinkedOptions): Act {
  return (...args) => {
    const last = args.at(-1);
    const call: Call = isCall(last) ? last : {};
    const given = isCall(last) ? args.slice(0, -1) : args;
    return bounded(options, { verb, call }, () => carried(options, verb, () => arrive(options, { verb, act, given, call })));
  };
}

const isCall = (value: unknown): value is Call =>
  typeof value === "object" && value !== null && ["signal", "timeoutMs", "idleMs"].some((key) => key in value);

type Arriving = { readonly verb: string; readonly act: Act; readonly given: readonly unknown[]; readonly call: Call };

async function arrive(
  { machine, arrived, line, lostEvents }: LinkedOptions,
  { verb, act, given, call }: Arriving,
): Promise<unknown> {
  arrived({ machine, verb, args: given });
  const isStream = verb === "system.events" || verb.startsWith("transfers.");
  // A caller who has left ends a stream, and nothing else.
  const answer = await act(...given, isStream ? call : { timeoutMs: 10 * defaultTimeoutMs });
  return verb === "system.events" ? withLosses(answer as Rows<EngineEvent>, line, lostEvents) : answer;
}

/** The caller hears no more after its time-out, its signal, or its process's end. */
async function bounded(
  { code, line, machine }: LinkedOptions,
  { verb, call }: { readonly verb: string; readonly call: Call },
  act: () => Promise<unknown>,
): Promise<unknown> {
  if (line.isCut) return await never();
  const { signal, timeoutMs = defaultTimeoutMs } = call;
  signal?.throwIfAborted();
  const { promise: end, reject } = Promise.withResolvers<never>();
  const done = new AbortController();
  const leave = () => reject(signal?.reason);
  signal?.addEventListener("abort", leave, { once: true });
  line.sleep(timeoutMs, done.signal).then(
    () => reject(new code.errors.EngineTimeoutError(machine.address, verb, timeoutMs)),
    () => undefined, // it was answered in time
  );
  try {
    return await Promise.race([act(), end]);
  } finally {
    done.abort(isDone);
    signal?.removeEventListener("abort", leave);
    if (line.isCut) await never();
  }
}

async function carried(
  { code, line, machine, isCutOff }: LinkedOptions,
  verb: string,
  act: () => Promise<unknown>,
): Promise<unknown> {
  const broken = (mayHaveHappened: boolean) =>
    new code.errors.EngineUnreachableError(machine.address, { cause: new Error("simulated"), mayHaveHappened });
  const silent = async (mayHaveHappened: boolean): Promise<never> => {
    if (line.coin()) return await never();
    throw broken(mayHaveHappened);
  };
  await line.travel();
  if (isCutOff()) return await silent(false);
  const fate = isChange({ verb }) ? line.fate() : "done";
  if (fate === "late") {
    line.options.scheduler.after(line.lateMs(Number.POSITIVE_INFINITY), () => void act().catch(() => undefined));
    return await silent(true);
  }
  if (fate === "refused") throw broken(false);
  if (fate === "lost before") return await silent(true);
  const answer = await act();
  if (fate === "lost after" || isCutOff()) return await silent(true);
  await line.back();
  return answer;
}

function withLosses(rows: Rows<EngineEvent>, line: Line, lost: number): Rows<EngineEvent> {
  return {
    close: () => rows.close(),
    async *[Symbol.asyncIterator]() {
      for await (const row of rows) if (!line.happens("event lost", lost)) yield row;
    },
  };
}
