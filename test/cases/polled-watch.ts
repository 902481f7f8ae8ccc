/**
 * A watch on a host whose transport buffers: long polls, each from where the one before it ended, as informers do it, put together as
 * one answer. The first poll is short, so that its caller soon knows that what happens from now on will be told.
 */

type Open = (path: string) => Promise<Response>;
type Line = { readonly type: string; readonly object: { readonly metadata?: { readonly resourceVersion?: string } } };

/** The answer to a GET of `path`, a watch. With timeoutSeconds in its query it is one poll, as that says. */
export async function polledWatch(open: Open, path: string): Promise<Response> {
  const [base = "", text = ""] = path.split("?");
  const query = new URLSearchParams(text);
  if (query.has("timeoutSeconds")) return open(path);
  const wantsBookmarks = /^(1|t|true)$/i.test(query.get("allowWatchBookmarks") ?? "");
  query.set("allowWatchBookmarks", "true");
  const first = await open(`${base}?${query}&timeoutSeconds=1`);
  if (first.status !== 200) return first;
  const body = ReadableStream.from(lines(first, (next) => open(`${base}?${next}`), query, wantsBookmarks));
  return new Response(body, { status: 200, headers: first.headers });
}

async function* lines(first: Response, open: Open, query: URLSearchParams, wantsBookmarks: boolean): AsyncGenerator<Uint8Array> {
  const encoder = new TextEncoder();
  for (let response = first; response.status === 200; response = await open(String(query))) {
    for (const text of (await response.text()).split("\n")) {
      if (text === "") continue;
      const { type, object } = JSON.parse(text) as Line;
      // Each poll ends with a bookmark; a stream has one only from time to time.
      if (type !== "BOOKMARK" || (wantsBookmarks && text.includes("k8s.io/initial-events-end")))
        yield encoder.encode(`${text}\n`);
      if (type === "ERROR") return;
      query.set("resourceVersion", versionOf(object) ?? query.get("resourceVersion") ?? "");
    }
    // What was there has been told.
    for (const name of ["sendInitialEvents", "resourceVersionMatch"]) query.delete(name);
  }
}

/** A Table's own is that of its one row. */
function versionOf(object: Line["object"]): string | undefined {
  return object.metadata?.resourceVersion || undefined;
}
