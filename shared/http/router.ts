/** Which handler serves a request: Hono's router, which is fast with many routes, and the words it found in the path. */
import { METHOD_NAME_ALL } from "hono/router";
import { RegExpRouter } from "hono/router/reg-exp-router";
import { SmartRouter } from "hono/router/smart-router";
import { TrieRouter } from "hono/router/trie-router";
import { getPathNoStrict, getQueryParam, tryDecodeURIComponent } from "hono/utils/url";

export type Params = Readonly<Record<string, string>>;
export type Found<H> = { readonly handler: H; readonly params: Params };

/** Hono reads paths and queries of whole URLs. */
const origin = "http://-";

export class Routes<H> {
  /** As they were added; `method` ALL: any. */
  readonly all: { readonly method: string; readonly path: string }[] = [];
  readonly #router = new SmartRouter<H>({ routers: [new RegExpRouter(), new TrieRouter()] });

  /** The first that fits is taken. `method` undefined: any. `path`: `:name` stands for one segment. */
  add(method: string | undefined, path: string, handler: H): void {
    this.all.push({ method: method ?? METHOD_NAME_ALL, path });
    this.#router.add(method ?? METHOD_NAME_ALL, path, handler);
  }

  find(method: string, path: string): Found<H> | undefined {
    const [matched, stash] = this.#router.match(method, path);
    const first = matched[0];
    if (first === undefined) return undefined;
    const [handler, places] = first;
    const params: Record<string, string> = {};
    for (const name in places) {
      const place = places[name];
      const value = typeof place === "number" ? stash?.[place] : place;
      if (value !== undefined) params[name] = tryDecodeURIComponent(value);
    }
    return { handler, params };
  }
}

/** The path of a request's URL, decoded but for what would become a slash, without a slash at its end. */
export const pathOf = (url: string): string => getPathNoStrict({ url: origin + url } as Request);

/** The first value of a query parameter. */
export function queryOf(url: string, name: string): string | undefined {
  if (!url.includes("?")) return undefined;
  const value = getQueryParam(origin + url, name);
  return typeof value === "string" ? value : undefined;
}
