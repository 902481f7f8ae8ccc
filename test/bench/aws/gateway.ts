/** Requests as API Gateway hands them to Lambda. */

export type Request = { readonly method?: string; readonly path: string; readonly body?: unknown };

export function proxyEventOf({ method = "GET", path, body }: Request, token: string): object {
  const { pathname, searchParams } = new URL(path, "https://api.test");
  const query = Object.fromEntries(searchParams);
  const headers = {
    authorization: `Bearer ${token}`,
    accept: "application/json",
    "accept-encoding": "gzip",
    "content-type": method === "PATCH" ? "application/merge-patch+json" : "application/json",
  };
  return {
    httpMethod: method,
    path: pathname,
    headers,
    multiValueHeaders: lists(headers),
    queryStringParameters: query,
    multiValueQueryStringParameters: lists(query),
    pathParameters: { proxy: pathname.slice(1) },
    body: body === undefined ? null : JSON.stringify(body),
    isBase64Encoded: false,
  };
}

const lists = (values: Readonly<Record<string, string>>): object =>
  Object.fromEntries(Object.entries(values).map(([name, value]) => [name, [value]]));
