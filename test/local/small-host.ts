/**
 * A program as main.ts will be one, with an app that only says who asks: for the tests of the host's outside. `/wait` is a
 * watch: it ends when the app stops, or never with WINDLASS_TEST_STUBBORN.
 */
import { run } from "../../functions/local/run.ts";
import { Tokens, tokenAuthenticator } from "../../shared/access/tokens.ts";
import { systemClock } from "../../shared/base/clock.ts";
import { newSecret, systemIds } from "../../shared/base/ids.ts";
import { openMemory } from "../../shared/log/memory/open.ts";
import { DataFolderError } from "../../shared/log/sqlite/errors.ts";

await run(async ({ data }) => {
  if (data.endsWith("foreign")) throw new DataFolderError(data, { problem: "foreign", why: "it holds something else" });
  if (data.endsWith("bug")) throw new Error("a bug");
  const tokens = new Tokens({ cells: openMemory().cells, rootUid: "root-uid", clock: systemClock, ids: systemIds, newSecret });
  const authenticator = tokenAuthenticator(tokens);
  const stopped = Promise.withResolvers<void>();
  return {
    tokens,
    handle: async ({ header, url }) => {
      const principal = await authenticator.authenticate(header("authorization"));
      if (principal === undefined) return { status: 401, headers: {}, body: "Unauthorized" };
      if (url !== "/wait") return { status: 200, headers: {}, body: JSON.stringify(principal) };
      const body = new ReadableStream<Uint8Array>({
        start: async (controller) => {
          controller.enqueue(Buffer.from("waiting\n"));
          await stopped.promise;
          controller.close();
        },
      });
      return { status: 200, headers: {}, body };
    },
    stop: () => process.env["WINDLASS_TEST_STUBBORN"] === undefined && stopped.resolve(),
    close: async () => void process.stdout.write("app closed\n"),
  };
});
