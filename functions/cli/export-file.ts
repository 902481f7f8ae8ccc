/** An export as a file: a head, a line an object, an end that counts them. Read whole, so that half of one is never imported. */
import { createReadStream } from "node:fs";
import { createInterface } from "node:readline";
import * as z from "zod";
import { CommandError } from "./errors.ts";

export type ExportFile = {
  /** The cluster's name, uid and spec. */
  readonly name: string;
  readonly uid: string | undefined;
  readonly spec: { readonly paused?: boolean | undefined; readonly adopts?: readonly string[] | undefined };
  /** `size`: in bytes of JSON. */
  readonly objects: readonly { readonly object: object; readonly size: number }[];
};

const knownVersion = 1;
/** Of memory, not of form: a million objects of half a KB are 500 MB. */
const objectsMax = 1_000_000;

const headSchema = z.looseObject({
  kind: z.literal("Export"),
  version: z.int(),
  cluster: z.looseObject({
    name: z.string(),
    uid: z.string().optional(),
    spec: z.looseObject({ paused: z.boolean().optional(), adopts: z.array(z.string()).optional() }),
  }),
});
const endSchema = z.looseObject({ kind: z.literal("ExportEnd"), objects: z.int() });
const objectSchema = z.looseObject({ kind: z.string(), metadata: z.looseObject({ name: z.string() }) });

/** @throws CommandError when it can't be read, is no export, a newer one, or not whole. */
export async function readExport(path: string): Promise<ExportFile> {
  const wrong = (why: string, cause?: unknown): CommandError =>
    new CommandError(`${path} is not a whole export: ${why}`, { cause });
  let head: z.infer<typeof headSchema> | undefined;
  let end: z.infer<typeof endSchema> | undefined;
  const objects: { object: object; size: number }[] = [];
  let number = 0;
  for await (const line of linesOf(path)) {
    number += 1;
    if (end !== undefined) throw wrong(`line ${number} follows its end`);
    const value = parseLine(line);
    if (head === undefined) {
      head = headSchema.safeParse(value).data;
      if (head === undefined) throw wrong("its first line is not an export's");
      if (head.version > knownVersion) throw wrong(`its version is ${head.version}; this program knows up to ${knownVersion}`);
      continue;
    }
    end = endSchema.safeParse(value).data;
    if (end !== undefined) continue;
    const object = objectSchema.safeParse(value).data;
    if (object === undefined) throw wrong(`line ${number} is not an object`);
    if (objects.length === objectsMax) throw wrong(`it has more than ${objectsMax} objects`);
    objects.push({ object, size: Buffer.byteLength(line) });
  }
  if (head === undefined || end === undefined) throw wrong("its last line is missing");
  if (end.objects !== objects.length) throw wrong(`it has ${objects.length} objects; its end counts ${end.objects}`);
  const { name, uid, spec } = head.cluster;
  return { name, uid, spec, objects };
}

async function* linesOf(path: string): AsyncGenerator<string> {
  const input = createReadStream(path);
  try {
    // A line separator inside of JSON text is none of a file: only \n and \r\n part lines.
    yield* createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY });
  } catch (cause) {
    throw new CommandError(`${path} can't be read: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
  } finally {
    input.destroy();
  }
}

/** undefined: not JSON. */
function parseLine(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    // The schema refuses it, and says where it stands.
    return undefined;
  }
}
