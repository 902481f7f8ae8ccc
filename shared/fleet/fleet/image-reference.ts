/**
 * What an image's reference says: its registry, repository, tag or digest; and the name of the Image object that stands for it. Two
 * spellings of one image (`busybox`, `docker.io/library/busybox:latest`) are one object.
 */
import { createHash } from "node:crypto";
import { InvalidOptionError } from "./errors.ts";

export type ImageReference = {
  /** Docker's familiar form with its tag, or with its digest and no tag: what the Image's spec.reference holds. */
  readonly text: string;
  /** host[:port] as it stands before the name; docker.io for none. */
  readonly registry: string;
  /** Without tag and digest, with its registry unless that is Docker's own. */
  readonly repository: string;
  readonly tag: string | undefined;
  /** sha256:… */
  readonly digest: string | undefined;
};

/** Docker: a name has at most 255 characters, a tag 128. */
const repositoryMax = 255;
const component = "[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*";
const repositoryPattern = new RegExp(`^(?:[a-zA-Z0-9.-]+(?::[0-9]+)?/)?${component}(?:/${component})*$`);
const tagPattern = /^\w[\w.-]{0,127}$/;
const digestPattern = /^sha256:[0-9a-f]{64}$/;
const hub = "docker.io";

/** @throws InvalidOptionError when it is no reference, as Docker's own parser finds. */
export function parseReference(given: string, field = "reference"): ImageReference {
  const at = given.indexOf("@");
  const digest = at < 0 ? undefined : given.slice(at + 1);
  const named = at < 0 ? given : given.slice(0, at);
  const colon = named.lastIndexOf(":");
  const hasTag = colon > named.lastIndexOf("/");
  const tag = hasTag ? named.slice(colon + 1) : undefined;
  const repository = familiar(hasTag ? named.slice(0, colon) : named);
  if (repository.length > repositoryMax)
    throw new InvalidOptionError(field, `the repository has ${repository.length} characters; at most ${repositoryMax}`);
  if (!repositoryPattern.test(repository) || (hasTag && !tagPattern.test(tag ?? ""))) throw invalid(field, given);
  if (digest !== undefined && !digestPattern.test(digest)) throw invalid(field, given);
  const effectiveTag = digest === undefined ? (tag ?? "latest") : undefined;
  const text = digest === undefined ? `${repository}:${effectiveTag}` : `${repository}@${digest}`;
  return { text, registry: registryOf(repository) ?? hub, repository, tag: effectiveTag, digest };
}

/** The source's rule: the first part is a registry if there are three, or if there are two and it has a dot, a colon or is localhost. */
export function registryOf(repository: string): string | undefined {
  const parts = repository.split("/");
  const [first = ""] = parts;
  const isHost = /[.:]/.test(first) || first === "localhost";
  return parts.length > 2 || (parts.length === 2 && isHost) ? first : undefined;
}

/** metadata.name of the Image: what of the reference a name can hold, for people, and a hash of all of it, for identity. */
export function imageNameOf({ text }: ImageReference): string {
  const shown = text
    .replace(/@sha256:/, "-")
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, "-")
    .replaceAll(/^-+|-+$/g, "")
    .slice(0, shownMax)
    .replace(/-+$/, "");
  return `${shown}-${createHash("sha256").update(text).digest("hex").slice(0, hashDigits)}`;
}

/** A DNS label has 63 characters; 12 digits of a hash let a million images meet with a chance of one in 500. */
const shownMax = 50;
const hashDigits = 12;

/** An image's own id: what images, inspect and history also take. */
export const isImageId = (text: string): boolean => /^(sha256:)?[0-9a-f]{64}$/.test(text) || /^sha256:[0-9a-f]{6,64}$/.test(text);

const familiar = (repository: string): string =>
  repository.replace(/^(index\.)?docker\.io\//, "").replace(/^library\/(?=[^/]+$)/, "");

const invalid = (field: string, given: string): InvalidOptionError =>
  new InvalidOptionError(field, `invalid reference format: ${JSON.stringify(given.slice(0, 100))}`);
