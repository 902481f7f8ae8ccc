/** The Log table's stream as Lambda hands it on: records with keys only, one for each entry that a log in memory takes. */
import type { Appended, EncodedEntry, Log } from "../../shared/log/ports.ts";

export type StreamRecord = {
  readonly eventName: "INSERT";
  readonly dynamodb: {
    readonly Keys: { readonly c: { readonly S: string }; readonly r: { readonly N: string } };
    readonly SequenceNumber: string;
  };
};

let sequence = 0;

export function recordOf(uid: string, revision: number): StreamRecord {
  sequence += 1;
  const Keys = { c: { S: uid }, r: { N: String(revision) } };
  return { eventName: "INSERT", dynamodb: { Keys, SequenceNumber: String(sequence) } };
}

/** `log`, with `wake` called for each entry that it took. */
export function withStream(log: Log, wake: (record: StreamRecord) => void): Log {
  const append = async (uid: string, run: readonly EncodedEntry[]): Promise<Appended> => {
    const appended = await log.append(uid, run);
    if (appended.kind === "committed") for (const { entry } of run) wake(recordOf(uid, entry.revision));
    return appended;
  };
  return {
    appendMax: log.appendMax,
    compressAboveBytes: log.compressAboveBytes,
    append,
    read: (uid, options) => log.read(uid, options),
    strip: (uid, range) => log.strip(uid, range),
    head: (uid) => log.head(uid),
  };
}

/** Lambda's context of a fresh invocation. */
export const contextOf = (ms: number) => {
  const endsMs = performance.now() + ms;
  return { getRemainingTimeInMillis: () => endsMs - performance.now() };
};
