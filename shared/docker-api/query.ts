/** Parameters of queries as Docker reads them. */
import { badParameter } from "./errors.ts";

const falseWords: ReadonlySet<string> = new Set(["", "0", "no", "false", "none"]);

/** Docker's BoolValue. Absent: `otherwise`. */
export function flag(query: URLSearchParams, name: string, otherwise = false): boolean {
  const text = query.get(name);
  return text === null ? otherwise : !falseWords.has(text.trim().toLowerCase());
}

/** An integer; absent or empty: undefined. @throws DockerError 400 */
export function integer(query: URLSearchParams, name: string): number | undefined {
  const text = query.get(name);
  if (text === null || text === "") return undefined;
  if (!/^-?\d{1,15}$/.test(text)) throw badParameter(`strconv.Atoi: parsing ${JSON.stringify(text)}: invalid syntax`);
  return Number(text);
}

/** Seconds since 1970 with a fraction, as the CLI sends times; absent, empty or 0: undefined. @throws DockerError 400 */
export function seconds(query: URLSearchParams, name: string): number | undefined {
  const text = query.get(name);
  if (text === null || text === "" || text === "0") return undefined;
  if (!/^\d{1,12}(\.\d{1,9})?$/.test(text))
    throw badParameter(`failed to parse value as time or duration: ${JSON.stringify(text)}`);
  return Number(text);
}
