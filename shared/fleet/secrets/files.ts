/**
 * Secrets in a folder: `<name>/` with a file a field, as Kubernetes and Docker mount them, or `<name>.json`. Read at each call, so a file
 * that is replaced counts at once.
 */
import { readdir, readFile } from "node:fs/promises";
import path from "node:path";
import { subdomainProblems } from "../../kinds/names.ts";
import {
  fieldsOf,
  NoSuchSecretError,
  type Secret,
  type SecretResolver,
  SecretUnreadableError,
  secretCharactersMax,
  secretFieldsMax,
} from "./resolver.ts";

export function fileSecrets(folder: string): SecretResolver {
  return {
    async resolve(name) {
      // A name of an object has no slash and does not begin with a dot: it stays in the folder.
      if (subdomainProblems(name).length > 0) throw new NoSuchSecretError(name);
      const place = path.join(folder, name);
      const fields = await namesOf(place, name);
      if (fields !== undefined) return await readFields(place, fields, name);
      const text = await read(`${place}.json`, name);
      if (text === undefined) throw new NoSuchSecretError(name);
      return fieldsOf(name, text);
    },
  };
}

/** Kubernetes' mounts have entries with two dots of their own. */
async function namesOf(place: string, name: string): Promise<readonly string[] | undefined> {
  try {
    const names = (await readdir(place)).filter((one) => !one.startsWith("."));
    if (names.length > secretFieldsMax) throw new SecretUnreadableError(name, `it has over ${secretFieldsMax} files`);
    return names;
  } catch (error) {
    if (isAbsent(error)) return undefined;
    throw error instanceof SecretUnreadableError ? error : new SecretUnreadableError(name, codeOf(error), error);
  }
}

async function readFields(place: string, names: readonly string[], name: string): Promise<Secret> {
  const fields: Record<string, string> = {};
  for (const one of names) {
    const text = await read(path.join(place, one), name);
    if (text !== undefined) fields[one] = text;
  }
  return fields;
}

/** undefined: it is not there (any more). */
async function read(file: string, name: string): Promise<string | undefined> {
  try {
    const text = await readFile(file, "utf8");
    if (text.length > secretCharactersMax)
      throw new SecretUnreadableError(name, `a file has over ${secretCharactersMax} characters`);
    return text;
  } catch (error) {
    if (isAbsent(error)) return undefined;
    throw error instanceof SecretUnreadableError ? error : new SecretUnreadableError(name, codeOf(error), error);
  }
}

const codeOf = (error: unknown): string => (error as NodeJS.ErrnoException).code ?? "it can't be read";
const isAbsent = (error: unknown): boolean => ["ENOENT", "ENOTDIR"].includes(codeOf(error));
