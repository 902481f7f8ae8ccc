/** Where a request goes: `/clusters/<name>/docker[/v1.NN]/<rest>`, as the docker CLI makes it of its host's path. */

export type Place = {
  readonly cluster: string;
  /** Like 1.41; undefined: the request names none. */
  readonly version: string | undefined;
  /** From the slash after the version on, as sent, without the query. */
  readonly path: string;
  readonly query: URLSearchParams;
};

const form = /^\/clusters\/([^/?]+)\/docker(?:\/v(\d+\.\d+))?(\/[^?]*)?(?:\?(.*))?$/s;

/** Paths and queries that are longer are refused: filters of a thousand names fit. */
export const urlLengthMax = 128 * 1024;

/** undefined: no path of this room. */
export function placeOf(url: string): Place | undefined {
  const [, cluster, version, path = "/", query = ""] = form.exec(url) ?? [];
  if (cluster === undefined) return undefined;
  const name = decoded(cluster);
  if (name === undefined) return undefined;
  return { cluster: name, version, path, query: new URLSearchParams(query) };
}

/** Whether a host gives its requests of this path to the DockerApi. */
export const isDockerPath = (url: string): boolean => form.test(url);

function decoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}
