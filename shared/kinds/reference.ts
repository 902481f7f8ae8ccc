/**
 * Names, labels and references as parts of schemas. One object names another always by name. Secrets are only ever named
 * (DESIGN section 4); their values stand elsewhere.
 */
import * as z from "zod";
import { labelValueProblems, qualifiedNameProblems, subdomainProblems } from "./names.ts";

/** A name of an object: a DNS-1123 subdomain. */
export const nameSchema = text(subdomainProblems);
export const labelsSchema = z.record(text(qualifiedNameProblems), text(labelValueProblems));
export const annotationsSchema = z.record(
  text((key) => qualifiedNameProblems(key.toLowerCase())),
  z.string(),
);

export const secretReferenceSchema = z
  .object({ name: nameSchema.describe("Name of the secret. Its value is looked up where it is used and never stands here.") })
  .describe("A secret, named.");

function text(problems: (value: string) => readonly string[]) {
  return z.string().check(({ value, issues }) => {
    for (const message of problems(value)) issues.push({ code: "custom", message, input: value });
  });
}
