/** The HTTP cases on the handlers of the serverless deployment, with buffered answers and with streamed ones. */
import { afterAll, beforeAll } from "vitest";
import { httpCases } from "../cases/http.ts";
import { type LambdaHost, startLambdaHost } from "./lambda-host.ts";

for (const transport of ["buffer", "stream"] as const) {
  let host: LambdaHost;
  beforeAll(async () => {
    host = await startLambdaHost({ transport });
  });
  afterAll(() => host.close());
  httpCases(`functions/api (${transport})`, () => host.target);
}
