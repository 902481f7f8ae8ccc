/**
 * Where the next page of a list begins: the life and revision that all pages are read at, and the last key that was given. Opaque to
 * clients, bound to the question it was given for, and no secret: it opens nothing that its holder could not list.
 */
import { createHash } from "node:crypto";
import { badRequest } from "./errors.ts";

export type ContinueToken = { readonly uid: string; readonly revision: number; readonly after: string };
/** As a token's revision: the rest is read as it is then, because the first page's revision can't be had any more. */
export const newestRevision = 0;

const tokenCharactersMax = 4_096;
/** 96 bits tell two questions of honest clients apart; nothing depends on them for dishonest ones. */
const markCharacters = 16;

/** `question`: what was asked; see Selection.text. */
export function writeToken({ uid, revision, after }: ContinueToken, question: string): string {
  return Buffer.from(JSON.stringify([uid, revision, after, markOf(question)])).toString("base64url");
}

/** @throws RefusedError when it is no token, or was given for another question. */
export function readToken(text: string, question: string): ContinueToken {
  const parts = text.length > tokenCharactersMax ? undefined : parseParts(text);
  if (!Array.isArray(parts)) throw badRequest("continue key is not valid");
  const [uid, revision, after, mark] = parts as readonly unknown[];
  if (typeof uid !== "string" || !Number.isSafeInteger(revision) || typeof after !== "string")
    throw badRequest("continue key is not valid");
  if (mark !== markOf(question)) throw badRequest("continue key is not valid: it was given for other parameters");
  return { uid, revision: Number(revision), after };
}

function parseParts(text: string): unknown {
  try {
    return JSON.parse(Buffer.from(text, "base64url").toString("utf8"));
  } catch {
    return undefined;
  }
}

const markOf = (question: string): string => createHash("sha256").update(question).digest("base64url").slice(0, markCharacters);
