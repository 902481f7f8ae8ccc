/**
 * How a test file comes by a component that is not Node: `const endpoint = await localStack()` at its top, then
 * `describe.skipIf(endpoint === undefined)`. The first file that asks starts it, in global-setup.ts, for the whole run.
 */
import { request } from "node:http";
import { text } from "node:stream/consumers";
import { inject } from "vitest";

declare module "vitest" {
  interface ProvidedContext {
    /** Where global-setup.ts answers what is there. */
    componentsUrl: string;
  }
}

/** missing: skip; the run has said why. failed: the test file must fail with this reason. */
export type ComponentAnswer =
  | { readonly kind: "there"; readonly endpoint: string }
  | { readonly kind: "missing" }
  | { readonly kind: "failed"; readonly reason: string };

/** LocalStack's endpoint; undefined: what it needs is missing here. The first call may download for a minute. @throws when it must be there. */
export async function localStack(): Promise<string | undefined> {
  const answer = JSON.parse(await body(inject("componentsUrl"))) as ComponentAnswer;
  switch (answer.kind) {
    case "there":
      return answer.endpoint;
    case "missing":
      return undefined;
    case "failed":
      throw new Error(answer.reason);
  }
}

/** Not `fetch`: that gives up after five minutes, and a first installation over a slow line may take longer. */
function body(url: string): Promise<string> {
  return new Promise((resolve, reject) => {
    request(url, (response) => text(response).then(resolve, reject))
      .on("error", reject)
      .end();
  });
}
