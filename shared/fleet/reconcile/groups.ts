/** Actions as they are carried out: replacements that follow each other together, as many as surely fit an entry; others one by one. */
import { jsonText } from "../../base/json.ts";
import { entryChangesMax, entryStoredBytesMax } from "../../base/limits.ts";
import type { Node } from "../../kinds/node.ts";
import type { Action, ReplaceTask } from "./actions.ts";
import { isHeld } from "./hold.ts";

/** A task's JSON beside its template, about. */
const envelopeBytes = 700;

/** `nodes`: all that there are, as they were seen. */
export function grouped(actions: readonly Action[], nodes: readonly Node[]): Action[][] {
  const unheld = new Map(nodes.filter((node) => !isHeld(node)).map((node) => [node.metadata.name, node]));
  const groups: Action[][] = [];
  let open: Group | undefined;
  for (const action of actions) {
    if (action.do !== "replace") {
      groups.push([action]);
      open = undefined;
      continue;
    }
    if (open?.takes(action) !== true) {
      open = new Group(unheld);
      open.takes(action);
      groups.push(open.actions);
    }
  }
  return groups;
}

class Group {
  readonly actions: Action[] = [];
  readonly #unheld: ReadonlyMap<string, Node>;
  /** Nodes that get their finalizer with these. */
  readonly #held = new Set<Node>();
  #changes = 0;
  #bytes = 0;

  constructor(unheld: ReadonlyMap<string, Node>) {
    this.#unheld = unheld;
  }

  /** Whether it was taken in; the first always is. */
  takes(action: ReplaceTask): boolean {
    const { create, ends } = action;
    const node = create.state === "assigned" ? this.#unheld.get(create.nodeName ?? "") : undefined;
    const isNew = node !== undefined && !this.#held.has(node);
    const changes = 1 + ends.length + (isNew ? 1 : 0);
    const bytes =
      (1 + 2 * ends.length) * (jsonText(create.template).length + envelopeBytes) + (isNew ? 2 * jsonText(node).length : 0);
    const fits = this.#changes + changes <= entryChangesMax && this.#bytes + bytes <= entryStoredBytesMax / 2;
    if (this.actions.length > 0 && !fits) return false;
    this.actions.push(action);
    this.#changes += changes;
    this.#bytes += bytes;
    if (isNew) this.#held.add(node);
    return true;
  }
}
