/** Which requests keep their Accept-Encoding on the way through a gateway that buffers. */
import { expect, it } from "vitest";
import { forBuffering } from "../../functions/api/buffered.ts";

const encodings = (accept: string | undefined): string | undefined => {
  const headers = new Map([["accept-encoding", "gzip"], ...(accept === undefined ? [] : [["accept", accept] as const])]);
  const request = { method: "GET", url: "/", header: (name: string) => headers.get(name), read: async () => undefined };
  expect(forBuffering(request).header("accept")).toBe(accept);
  return forBuffering(request).header("accept-encoding");
};

it.each(["application/json", "application/json;as=Table;v=v1;g=meta.k8s.io,application/json", "text/plain, */*"])(
  "one that says what it takes first may be compressed: %s",
  (accept) => {
    expect(encodings(accept)).toBe("gzip");
  },
);

it.each([undefined, "", "*/*", "*/*;q=0.8", "*/*, application/json"])("one that takes anything first gets text: %s", (accept) => {
  expect(encodings(accept)).toBeUndefined();
});
