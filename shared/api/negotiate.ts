/**
 * Accept headers: which of the forms that we can give a client wants. kubectl asks for a Table in two versions before JSON, caches of
 * metadata for PartialObjectMetadata; the client's order (its q values, then its order) decides among what is known, and unknown
 * forms are passed over.
 */
import { RefusedError } from "./errors.ts";
import type { MetaVersion } from "./partial-metadata.ts";

export type Format =
  | { readonly as: "json" }
  | { readonly as: "table"; readonly version: MetaVersion }
  /** PartialObjectMetadata, or a list of them: which of both fits its request only. */
  | { readonly as: "partial"; readonly version: MetaVersion; readonly isList: boolean };

const json: Format = { as: "json" };
const supported = [
  "application/json",
  "application/json;as=Table;v=v1;g=meta.k8s.io",
  "application/json;as=Table;v=v1beta1;g=meta.k8s.io",
  "application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io",
  "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io",
];

/** Clients send few different headers: their formats are kept, and all forgotten when there are too many. */
const knownMax = 200;
const acceptCharactersMax = 4_096;
const known = new Map<string, Format>();

/** @throws RefusedError when none of the forms can be given. */
export function negotiate(accept: string | undefined): Format {
  if (accept === undefined || accept === "") return json;
  const before = known.get(accept);
  if (before !== undefined) return before;
  const format = accept.length > acceptCharactersMax ? undefined : formatOf(accept);
  if (format === undefined) throw new RefusedError({ kind: "notAcceptable", supported });
  if (known.size >= knownMax) known.clear();
  known.set(accept, format);
  return format;
}

/** @throws RefusedError where a list was asked for and there is none, or the other way round. */
export function checkShape(format: Format, { isList }: { readonly isList: boolean }): void {
  if (format.as === "partial" && format.isList !== isList) throw new RefusedError({ kind: "notAcceptable", supported });
}

type Range = { readonly type: string; readonly parameters: ReadonlyMap<string, string>; readonly quality: number };

function formatOf(accept: string): Format | undefined {
  const ranges = accept.split(",").map(parseRange);
  // Sorting is stable: equal qualities keep the client's order.
  const wanted = ranges.filter(({ quality }) => quality > 0).sort((left, right) => right.quality - left.quality);
  for (const range of wanted) {
    const format = rangeFormat(range);
    if (format !== undefined) return format;
  }
  return undefined;
}

function parseRange(text: string): Range {
  const [type = "", ...rest] = text.split(";").map((part) => part.trim());
  const parameters = new Map<string, string>();
  for (const part of rest) {
    const [key = "", value = ""] = part.split("=", 2);
    parameters.set(key.trim(), value.trim());
  }
  const quality = Number(parameters.get("q") ?? 1);
  return { type: type.toLowerCase(), parameters, quality: Number.isNaN(quality) ? 0 : quality };
}

function rangeFormat({ type, parameters }: Range): Format | undefined {
  if (type === "*/*" || type === "application/*") return json;
  if (type !== "application/json") return undefined;
  const as = parameters.get("as");
  // A watch may name its stream; JSON lines are the only one.
  if (as === undefined) return json;
  const version = parameters.get("v");
  if (parameters.get("g") !== "meta.k8s.io" || (version !== "v1" && version !== "v1beta1")) return undefined;
  switch (as) {
    case "Table":
      return { as: "table", version };
    case "PartialObjectMetadata":
      return { as: "partial", version, isList: false };
    case "PartialObjectMetadataList":
      return { as: "partial", version, isList: true };
    default:
      return undefined;
  }
}
