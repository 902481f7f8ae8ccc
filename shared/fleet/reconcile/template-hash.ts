/** Whether two templates say the same, without regard to the order of fields: what makes a task one of the former or current template. */
import { isDeepStrictEqual } from "node:util";
import { digestOf } from "../../base/digest.ts";
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
    hash = digestOf(template);
    hashes.set(template, hash);
  }
  return hash;
}
