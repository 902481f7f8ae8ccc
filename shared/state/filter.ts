/** A watcher's specifiers, compiled: which happenings interest it, as what, and under which index values they are found. */
import type { KindDefinition } from "../kinds/definition.ts";
import type { Entry } from "../log/ports.ts";
import { type Action, commitOf, type Happening, happenings, type Specifier, shape, type WatchEvent } from "./event.ts";
import type { ObjectIndexes } from "./object-indexes.ts";
import { type Anchor, anchors, checkSelector, matches, type Selector } from "./selector.ts";
import type { Position } from "./version.ts";

type Rule = { readonly action: Action; readonly selector: Selector; readonly indexes: ObjectIndexes };
/** Where the hub finds a watcher: an index value of a table, or all of the table. */
export type Post = { readonly plural: string; readonly anchor?: Anchor };

export class Filter {
  readonly commits: boolean;
  readonly posts: readonly Post[];
  readonly #rules = new Map<string, Rule[]>();
  /** Without specifiers everything is heard, of every kind. */
  readonly everything: boolean;

  /** @throws InvalidSelectorError when a kind keeps no such index. */
  constructor(specifiers: readonly Specifier[], indexesOf: (plural: string) => ObjectIndexes) {
    this.everything = specifiers.length === 0;
    this.commits = this.everything || specifiers.some(({ event }) => event === "commit");
    const posts: Post[] = [];
    for (const specifier of specifiers) {
      if (specifier.event === "commit") continue;
      const { definition, selector, event: action } = specifier;
      const indexes = indexesOf(definition.plural);
      checkSelector(selector, indexes);
      this.#add(definition, { action, selector, indexes });
      const found = anchors(selector);
      if (found === undefined) posts.push({ plural: definition.plural });
      else for (const anchor of found) posts.push({ plural: definition.plural, anchor });
    }
    this.posts = posts;
  }

  /** The happening as this filter sees it; undefined when it does not. */
  see(happening: Happening): WatchEvent | undefined {
    if (this.everything) return shape(happening, happening.action);
    for (const { action, selector, indexes } of this.#rules.get(happening.plural) ?? []) {
      const before = happening.previous !== undefined && matches(selector, happening.previous, indexes);
      const now = happening.object !== undefined && matches(selector, happening.object, indexes);
      if (!before && !now) continue;
      const seen: Action = before && now ? "update" : now ? "create" : "delete";
      if (action === seen || action === happening.action) return shape(happening, seen);
    }
    return undefined;
  }

  /** All that the filter sees of an entry after `position`, in order. For reading on in the log. */
  seeEntry(entry: Entry, position: Position): WatchEvent[] {
    const events: WatchEvent[] = [];
    const seen = entry.revision === position.revision ? position.place : -1;
    for (const [place, happening] of happenings(entry).entries()) {
      if (place <= seen) continue;
      const event = this.see(happening);
      if (event !== undefined) events.push(event);
    }
    if (this.commits && seen < 999) events.push(commitOf(entry));
    return events;
  }

  #add(definition: KindDefinition, rule: Rule): void {
    const rules = this.#rules.get(definition.plural);
    if (rules === undefined) this.#rules.set(definition.plural, [rule]);
    else rules.push(rule);
  }
}
