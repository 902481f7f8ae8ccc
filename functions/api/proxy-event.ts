/**
 * API Gateway's proxy events (REST, payload 1.0) as requests of the interface. Paths come as they were sent, percent signs and all, and
 * without the stage; a custom domain's base path stands before them and is taken away. Query parameters come decoded.
 */
import * as z from "zod";
import type { ApiRequest } from "../../shared/http/exchange.ts";

const words = z.record(z.string(), z.string().optional()).nullish();
const lists = z.record(z.string(), z.array(z.string()).nullish()).nullish();

const proxyEvent = z.object({
  httpMethod: z.string(),
  path: z.string(),
  headers: words,
  multiValueHeaders: lists,
  queryStringParameters: words,
  multiValueQueryStringParameters: lists,
  pathParameters: words,
  body: z.string().nullish(),
  isBase64Encoded: z.boolean().optional(),
  requestContext: z.object({ identity: z.object({ userArn: z.string().nullish() }).optional() }).optional(),
});

export type ProxyEvent = z.output<typeof proxyEvent>;

/** @throws z.ZodError when it is something else. */
export const parseProxyEvent = (event: unknown): ProxyEvent => proxyEvent.parse(event);

/** A request whose headers are all at hand, by lower-case name. */
export type ProxiedRequest = ApiRequest & { readonly headers: ReadonlyMap<string, string> };

/** `authorization` stands for the header of that name; undefined: it is the client's. */
export function requestOf(
  event: ProxyEvent,
  authorization: ((sent: string | undefined) => string | undefined) | undefined,
): ProxiedRequest {
  const headers = headersOf(event);
  if (authorization !== undefined) {
    const value = authorization(headers.get("authorization"));
    if (value === undefined) headers.delete("authorization");
    else headers.set("authorization", value);
  }
  return {
    method: event.httpMethod.toUpperCase(),
    url: pathOf(event) + queryOf(event),
    header: (name) => headers.get(name),
    headers,
    read: async (bytesMax) => {
      const bytes = bodyOf(event);
      return bytes.length > bytesMax ? undefined : bytes;
    },
  };
}

/** By lower-case name; several of one name are joined, as HTTP allows. */
function headersOf({ headers, multiValueHeaders }: ProxyEvent): Map<string, string> {
  const found = new Map<string, string>();
  for (const [name, value] of Object.entries(headers ?? {})) if (value !== undefined) found.set(name.toLowerCase(), value);
  for (const [name, values] of Object.entries(multiValueHeaders ?? {})) {
    if (values && values.length > 0) found.set(name.toLowerCase(), values.join(", "));
  }
  return found;
}

function queryOf({ multiValueQueryStringParameters, queryStringParameters }: ProxyEvent): string {
  const lists = multiValueQueryStringParameters ?? listsOf(queryStringParameters ?? {});
  const query = new URLSearchParams();
  for (const [name, values] of Object.entries(lists)) for (const value of values ?? []) query.append(name, value);
  return query.size === 0 ? "" : `?${query}`;
}

const listsOf = (values: Readonly<Record<string, string | undefined>>): Record<string, string[]> =>
  Object.fromEntries(Object.entries(values).map(([name, value]) => [name, value === undefined ? [] : [value]]));

/** From where the greedy `{proxy+}` begins: what stands before it is a base path. */
function pathOf({ path, pathParameters }: ProxyEvent): string {
  const proxy = pathParameters?.["proxy"];
  if (proxy === undefined) return "/";
  for (let slash = path.indexOf("/"); slash !== -1; slash = path.indexOf("/", slash + 1)) {
    if (isProxied(path.slice(slash + 1), proxy)) return asPath(path.slice(slash));
  }
  return asPath(path);
}

/** Gateways differ in whether they decode it, and in whether it ends with the path's last slash. */
function isProxied(rest: string, proxy: string): boolean {
  const trimmed = rest.replace(/\/+$/, "");
  const wanted = proxy.replace(/\/+$/, "");
  return trimmed === wanted || decoded(trimmed) === wanted;
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** A path can't hold these; one that was decoded on the way may. */
const asPath = (path: string): string => path.replace(/[?#]/g, encodeURIComponent);

function bodyOf({ body, isBase64Encoded }: ProxyEvent): Uint8Array {
  return Buffer.from(body ?? "", isBase64Encoded === true ? "base64" : "utf8");
}
