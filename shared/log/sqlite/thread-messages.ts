/** What the thread of the ports' callers and the writer's thread tell each other. */
import type { Appended } from "../ports.ts";
import type { FolderProblem } from "./errors.ts";

export type WriterData = { readonly folder: string; readonly pid: number };

/** A run as it crosses: the entries' stored bytes one after the other in one buffer, which is handed over, not copied. */
export type PackedRun = { readonly revision: number; readonly lengths: readonly number[]; readonly bytes: ArrayBuffer };

export type Request =
  | { readonly id: number; readonly call: "append"; readonly uid: string; readonly run: PackedRun }
  | {
      readonly id: number;
      readonly call: "strip" | "begin" | "move" | "apply" | "remove" | "putCell" | "deleteCell";
      readonly arguments: readonly unknown[];
    }
  | { readonly id: number; readonly call: "close" };

/** An entry that is there, as it crosses. */
export type PackedEntry = { readonly revision: number; readonly bytes: Uint8Array };
export type PackedAppended =
  | Exclude<Appended, { readonly kind: "conflict" }>
  | { readonly kind: "conflict"; readonly entry: PackedEntry | undefined };

export type Failure = { readonly name: string; readonly message: string };

export type Reply =
  | { readonly kind: "open"; readonly file: string }
  | { readonly kind: "refused"; readonly problem: FolderProblem; readonly message: string; readonly pid: number | undefined }
  | { readonly kind: "done"; readonly id: number; readonly value: unknown }
  | { readonly kind: "failed"; readonly id: number; readonly failure: Failure };

export function packRun(
  run: readonly { readonly entry: { readonly revision: number }; readonly bytes: Uint8Array }[],
): PackedRun {
  const lengths = run.map(({ bytes }) => bytes.length);
  const all = new Uint8Array(lengths.reduce((sum, length) => sum + length, 0));
  let at = 0;
  for (const { bytes } of run) {
    all.set(bytes, at);
    at += bytes.length;
  }
  return { revision: run[0]?.entry.revision ?? 0, lengths, bytes: all.buffer };
}

export function unpackRun({ revision, lengths, bytes }: PackedRun): PackedEntry[] {
  let at = 0;
  return lengths.map((length, place) => {
    at += length;
    return { revision: revision + place, bytes: new Uint8Array(bytes, at - length, length) };
  });
}
