/** EngineSystem on dockerode. */
import type { EngineSystem } from "../engine.ts";
import { EngineAnswerError } from "../engine-errors.ts";
import * as answers from "./answers.ts";
import type { Caller } from "./caller.ts";
import { readWhole } from "./incoming.ts";
import { given } from "./modem.ts";

/** It says OK. */
const pingBytesMax = 1_024;

export function dockerSystem(caller: Caller): EngineSystem {
  return {
    // dockerode drops the headers, where the version stands.
    ping: async (call) => {
      const answer = await caller.answer({ method: "GET", path: "/_ping" }, call);
      // Read to its end, so that the connection serves the next call.
      await readWhole(caller.wire, "ping", answer, { ...call, bytesMax: pingBytesMax });
      const ApiVersion = answer.response.headers["api-version"];
      if (typeof ApiVersion === "string") return { ApiVersion };
      throw new EngineAnswerError(caller.wire.address, "ping", "it has no Api-Version");
    },
    info: (call) => caller.json("info", answers.info, (docker) => docker.info(), call),
    version: (call) => caller.json("version", answers.version, (docker) => docker.version(), call),
    events: (options = {}, call) => caller.rows("events", answers.event, (docker) => docker.getEvents(given(options)), call),
  };
}
