/** The configuration file: a JSON object whose names are the flags', with text, numbers, or lists of text where a flag may be repeated. */
import { readFileSync } from "node:fs";
import * as z from "zod";
import { ConfigError } from "./errors.ts";
import { settings } from "./settings.ts";

/** A number is taken as it would be typed. */
const value = z.union([z.string(), z.number().transform(String)]);
const list = z.union([z.array(z.string()), value.transform((only) => [only])]);
const schema = z.strictObject(
  Object.fromEntries(settings.map(({ field, many }) => [field, many ? list.optional() : value.optional()])),
);

/** @throws ConfigError when it can't be read, is not JSON, or names what is no setting. */
export function readConfigFile(path: string): Readonly<Record<string, string | readonly string[] | undefined>> {
  let content: unknown;
  try {
    content = JSON.parse(readFileSync(path, "utf8"));
  } catch (cause) {
    throw new ConfigError(
      `the configuration file ${path} can't be read: ${cause instanceof Error ? cause.message : String(cause)}`,
      { cause },
    );
  }
  const parsed = schema.safeParse(content);
  if (parsed.success) return parsed.data;
  throw new ConfigError(`the configuration file ${path} is not right: ${z.prettifyError(parsed.error).replaceAll("\n", " ")}`);
}
