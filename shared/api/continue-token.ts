/**
 * Where the next page of a list begins: the life and revision that all pages are read at, and the last key that was given. Opaque to
 * clients, bound to the question it was given for, and no secret: it opens nothing that its holder could not list.
 */
import { createHash } from "node:crypto";
import { badRequest, RefusedError } from "./errors.ts";
import type { Query } from "./list-options.ts";

export type ContinueToken = {
  readonly uid: string;
  readonly revision: number;
  readonly after: string;
  /** Whole numbers that a list needs beside. */
  readonly more?: readonly number[];
};
/** As a token's revision: the rest is read as it is then, because the first page's revision can't be had any more. */
export const newestRevision = 0;

const tokenCharactersMax = 4_096;
/** 96 bits tell two questions of honest clients apart; nothing depends on them for dishonest ones. */
const markCharacters = 16;

/** `question`: what was asked; see Selection.text. */
export function writeToken({ uid, revision, after, more = [] }: ContinueToken, question: string): string {
  return Buffer.from(JSON.stringify([uid, revision, after, markOf(question), ...more])).toString("base64url");
}

/** @throws RefusedError when it is no token, or was given for another question. */
export function readToken(text: string, question: string): ContinueToken {
  const parts = text.length > tokenCharactersMax ? undefined : parseParts(text);
  if (!Array.isArray(parts)) throw badRequest("continue key is not valid");
  const [uid, revision, after, mark, ...more] = parts as readonly unknown[];
  if (typeof uid !== "string" || !Number.isSafeInteger(revision) || typeof after !== "string")
    throw badRequest("continue key is not valid");
  if (mark !== markOf(question)) throw badRequest("continue key is not valid: it was given for other parameters");
  if (!more.every((number) => Number.isSafeInteger(number))) throw badRequest("continue key is not valid");
  return { uid, revision: Number(revision), after, ...(more.length > 0 && { more: more.map(Number) }) };
}

/** `uid`: of the cluster that is asked. @throws RefusedError. */
export function checkContinued(query: Query, token: ContinueToken, uid: string): void {
  const version = query("resourceVersion") ?? "";
  if (version !== "" && version !== "0") throw badRequest("specifying resource version is not allowed when using continue");
  if (token.uid === uid) return;
  throw new RefusedError({
    kind: "expired",
    message: "The provided continue parameter belongs to a former cluster of this name. List again without it.",
  });
}

/** Kubernetes' words, and its way on: `rest`, a token for the rest as it is now. */
export function tooOld(rest: string): RefusedError {
  const message =
    "The provided continue parameter is too old to display a consistent list result. You can start a new list without the " +
    "continue parameter, or use the continue token in this response to retrieve the remainder of the results. Continuing with " +
    "the provided token results in an inconsistent list - objects that were created, modified, or deleted between the time the " +
    "first chunk was returned and now may show up in the list.";
  return new RefusedError({ kind: "expired", message, continue: rest });
}

function parseParts(text: string): unknown {
  try {
    return JSON.parse(Buffer.from(text, "base64url").toString("utf8"));
  } catch {
    return undefined;
  }
}

const markOf = (question: string): string => createHash("sha256").update(question).digest("base64url").slice(0, markCharacters);
