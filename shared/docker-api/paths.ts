/**
 * Where a request goes: `/clusters/<name>/docker[/v1.NN]/<rest>`, as the docker CLI makes it of its host's path. For BuildKit's connections it
 * leaves that path out: these are of the cluster that the header Windlass-Cluster names, else of `default`.
 */

export type Place = {
  readonly cluster: string;
  /** Like 1.41; undefined: the request names none. */
  readonly version: string | undefined;
  /** From the slash after the version on, as sent, without the query. */
  readonly path: string;
  readonly query: URLSearchParams;
};

const form = /^\/clusters\/([^/?]+)\/docker(?:\/v(\d+\.\d+))?(\/[^?]*)?(?:\?(.*))?$/s;

/** Moby's client.DialHijack takes no path of the host's. */
const rootForm = /^\/(?:grpc|session)(?:\?.*)?$/s;
const defaultCluster = "default";

/** Paths and queries that are longer are refused: filters of a thousand names fit. */
export const urlLengthMax = 128 * 1024;

/** undefined: no path of this room. `cluster`: of a request whose path names none. */
export function placeOf(url: string, cluster = defaultCluster): Place | undefined {
  if (rootForm.test(url)) {
    const [path = "", query = ""] = url.split("?", 2);
    return { cluster, version: undefined, path, query: new URLSearchParams(query) };
  }
  return placeUnder(url);
}

function placeUnder(url: string): Place | undefined {
  const [, cluster, version, path = "/", query = ""] = form.exec(url) ?? [];
  if (cluster === undefined) return undefined;
  const name = decoded(cluster);
  if (name === undefined) return undefined;
  return { cluster: name, version, path, query: new URLSearchParams(query) };
}

/** Whether a host gives its requests of this path to the DockerApi. */
export const isDockerPath = (url: string): boolean => form.test(url) || rootForm.test(url);

function decoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}
