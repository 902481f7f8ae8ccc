/** The store's ports over one state in memory, as one process reaches them: late, refused, with replies that are lost. */
import type { MemoryStore } from "../../../shared/log/memory/open.ts";
import type { Appended, Cells, EncodedEntry, Log, Objects } from "../../../shared/log/ports.ts";
import { PortError } from "../link.ts";
import type { Line } from "./line.ts";

export type Ports = { readonly log: Log; readonly objects: Objects; readonly cells: Cells };
/** Told of entries when they are there. */
export type Landed = (run: readonly EncodedEntry[]) => void;

export function portsOf({ log, objects, cells }: MemoryStore, line: Line, landed: Landed): Ports {
  const read = async <T>(act: () => Promise<T>): Promise<T> => {
    await line.travel();
    if (line.happens("refused", line.options.faults.refuse)) {
      await line.back();
      throw new PortError("refused");
    }
    const answer = await act();
    await line.back();
    return answer;
  };
  const put = async (uid: string, run: readonly EncodedEntry[]): Promise<Appended> => {
    const appended = await log.append(uid, run);
    if (appended.kind === "committed") landed(run);
    return appended;
  };
  return {
    log: {
      appendMax: log.appendMax,
      compressAboveBytes: log.compressAboveBytes,
      append: (uid, run) => append(line, () => put(uid, run)),
      read: (uid, options) => read(() => log.read(uid, options)),
      strip: (uid, range) => log.strip(uid, range),
      head: () => undefined,
    },
    objects: {
      begin: (uid, first) => objects.begin(uid, first),
      markers: (uid) => read(() => objects.markers(uid)),
      move: (uid, marker, step) => objects.move(uid, marker, step),
      get: (uid, key) => read(() => objects.get(uid, key)),
      page: (uid, range) => read(() => objects.page(uid, range)),
      apply: (uid, writes, now) => objects.apply(uid, writes, now),
      remove: (uid, limit) => objects.remove(uid, limit),
    },
    cells: {
      get: (uid, key) => read(() => cells.get(uid, key)),
      list: (uid, prefix, limit) => read(() => cells.list(uid, prefix, limit)),
      put: (uid, given) => change(line, () => cells.put(uid, given)),
      delete: (uid, key, version) => change(line, () => cells.delete(uid, key, version)),
    },
  };
}

async function append(line: Line, put: () => Promise<Appended>): Promise<Appended> {
  await line.travel();
  const fate = line.fate();
  const unknown: Appended = { kind: "unknown", cause: new PortError(fate) };
  switch (fate) {
    case "done":
    case "twice":
      return await replied(line, put());
    case "refused":
      return await replied(line, Promise.resolve({ kind: "refused", cause: new PortError(fate) }));
    case "lost before":
      return await replied(line, Promise.resolve(unknown));
    case "lost after":
      await put();
      return await replied(line, Promise.resolve(unknown));
    case "late":
      line.options.scheduler.after(line.lateMs(Number.POSITIVE_INFINITY), () => void put());
      return await replied(line, Promise.resolve(unknown));
    default:
      return fate satisfies never;
  }
}

async function replied<T>(line: Line, answer: Promise<T>): Promise<T> {
  const value = await answer;
  await line.back();
  return value;
}

/** One that is not clearly done rejects. */
async function change<T>(line: Line, act: () => Promise<T>): Promise<T> {
  await line.travel();
  const fate = line.fate();
  const isDone = fate === "done" || fate === "twice";
  const answer = isDone || fate === "lost after" ? await act() : undefined;
  await line.back();
  if (!isDone) throw new PortError(fate);
  return answer as T;
}
