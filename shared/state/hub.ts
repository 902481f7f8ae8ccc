/**
 * Hands each entry's events to the live watchers. A watcher stands at posts: under an index value of a table, or under the whole
 * table. An event asks only the posts its object stands at, before or after, so watchers of other things cost it nothing.
 */
import type { WindlassObject } from "../kinds/object.ts";
import type { Entry } from "../log/ports.ts";
import { commitOf, type Happening, happenings } from "./event.ts";
import type { Post } from "./filter.ts";
import type { ObjectIndexes } from "./object-indexes.ts";
import { versionAt } from "./version.ts";
import type { Watch } from "./watch.ts";

type Posts = {
  readonly whole: Set<Watch>;
  /** By index, then by value. */
  readonly byIndex: Map<string, Map<string, Set<Watch>>>;
};

export class Hub {
  readonly #indexesOf: (plural: string) => ObjectIndexes;
  readonly #tables = new Map<string, Posts>();
  readonly #everything = new Set<Watch>();
  readonly #commits = new Set<Watch>();
  readonly #watches = new Set<Watch>();
  #asked = 0;

  constructor(indexesOf: (plural: string) => ObjectIndexes) {
    this.#indexesOf = indexesOf;
  }

  /** Live watchers. */
  get size(): number {
    return this.#watches.size;
  }

  /** Events that wait for their readers, over all watchers. */
  get queued(): number {
    let queued = 0;
    for (const watch of this.#watches) queued += watch.queued;
    return queued;
  }

  add(watch: Watch): void {
    watch.live = true;
    this.#watches.add(watch);
    if (watch.filter.everything) this.#everything.add(watch);
    if (watch.filter.commits) this.#commits.add(watch);
    for (const post of watch.filter.posts) this.#at(post).add(watch);
  }

  remove(watch: Watch): void {
    watch.live = false;
    if (!this.#watches.delete(watch)) return;
    this.#everything.delete(watch);
    this.#commits.delete(watch);
    for (const post of watch.filter.posts) this.#leave(post, watch);
  }

  publish(entry: Entry): void {
    if (this.#watches.size === 0) return;
    for (const happening of happenings(entry)) this.#tell(happening);
    if (this.#commits.size > 0) {
      const commit = commitOf(entry);
      for (const watch of this.#commits) watch.push(commit);
    }
    if (entry.seal === true) this.#endAll({ reason: "sealed", resourceVersion: versionAt(entry.revision) });
  }

  /** Ends all watches: entries after `revision` will not be published. Their readers resume and catch up. */
  restart(revision: number): void {
    this.#endAll({ reason: "restarted", resourceVersion: versionAt(revision) });
  }

  #endAll(end: { readonly reason: "sealed" | "restarted"; readonly resourceVersion: string }): void {
    for (const watch of [...this.#watches]) watch.endWith(end);
  }

  #tell(happening: Happening): void {
    this.#asked += 1;
    for (const watch of this.#everything) this.#ask(watch, happening);
    const posts = this.#tables.get(happening.plural);
    if (posts === undefined) return;
    for (const watch of posts.whole) this.#ask(watch, happening);
    for (const [index, byValue] of posts.byIndex) {
      this.#askUnder(byValue, index, happening.object, happening);
      this.#askUnder(byValue, index, happening.previous, happening);
    }
  }

  #askUnder(
    byValue: ReadonlyMap<string, ReadonlySet<Watch>>,
    index: string,
    object: WindlassObject | undefined,
    happening: Happening,
  ): void {
    if (object === undefined) return;
    for (const value of this.#indexesOf(happening.plural).values(index, object)) {
      for (const watch of byValue.get(value) ?? []) this.#ask(watch, happening);
    }
  }

  /** Once a happening, though a watcher may stand at several of its posts. */
  #ask(watch: Watch, happening: Happening): void {
    if (watch.asked === this.#asked) return;
    watch.asked = this.#asked;
    const event = watch.filter.see(happening);
    if (event !== undefined) watch.push(event);
  }

  #at(post: Post): Set<Watch> {
    let posts = this.#tables.get(post.plural);
    if (posts === undefined) {
      posts = { whole: new Set(), byIndex: new Map() };
      this.#tables.set(post.plural, posts);
    }
    if (post.anchor === undefined) return posts.whole;
    const { index, value } = post.anchor;
    const byValue = posts.byIndex.get(index) ?? new Map<string, Set<Watch>>();
    posts.byIndex.set(index, byValue);
    const watches = byValue.get(value) ?? new Set();
    byValue.set(value, watches);
    return watches;
  }

  #leave(post: Post, watch: Watch): void {
    const posts = this.#tables.get(post.plural);
    if (posts === undefined) return;
    if (post.anchor === undefined) posts.whole.delete(watch);
    else {
      const { index, value } = post.anchor;
      const byValue = posts.byIndex.get(index);
      const watches = byValue?.get(value);
      watches?.delete(watch);
      if (watches?.size === 0) byValue?.delete(value);
      if (byValue?.size === 0) posts.byIndex.delete(index);
    }
    if (posts.whole.size === 0 && posts.byIndex.size === 0) this.#tables.delete(post.plural);
  }
}
