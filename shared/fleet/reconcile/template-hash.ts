/** Whether two templates say the same, without regard to the order of fields: what makes a task one of the former or current template. */
import { createHash } from "node:crypto";
import { isDeepStrictEqual } from "node:util";
import { jsonText } from "../../base/json.ts";
import type { Template } from "../../kinds/template.ts";

/** Templates are frozen: what was found holds as long as they live. A task's is compared with its service's, round after round. */
const compared = new WeakMap<Template, { readonly other: Template; readonly isSame: boolean }>();
const hashes = new WeakMap<Template, string>();

export function sameTemplate(one: Template, other: Template): boolean {
  if (one === other) return true;
  const known = compared.get(one);
  if (known?.other === other) return known.isSame;
  const isSame = isDeepStrictEqual(one, other);
  compared.set(one, { other, isSame });
  return isSame;
}

/** Short, for people and programs to tell templates apart. */
export function templateHash(template: Template): string {
  let hash = hashes.get(template);
  if (hash === undefined) {
    hash = createHash("sha256")
      .update(jsonText(sorted(template)))
      .digest("hex")
      .slice(0, 16);
    hashes.set(template, hash);
  }
  return hash;
}

function sorted(value: object): object {
  if (Array.isArray(value)) return value.map((item: unknown) => (isObject(item) ? sorted(item) : item));
  const entries = Object.entries(value).sort(([one], [other]) => (one < other ? -1 : 1));
  return Object.fromEntries(entries.map(([key, item]: [string, unknown]) => [key, isObject(item) ? sorted(item) : item]));
}

const isObject = (value: unknown): value is object => typeof value === "object" && value !== null;
