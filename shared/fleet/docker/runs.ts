/** EngineRuns on dockerode. */
import type { Call } from "../engine/call.ts";
import type { EngineRuns, StopOptions } from "../engine/runs.ts";
import * as answers from "./answers.ts";
import { type Caller, idPart } from "./caller.ts";
import { given } from "./modem.ts";

export function dockerRuns(caller: Caller): EngineRuns {
  return {
    start: (id, call) => caller.nothing((docker) => docker.getContainer(idPart(id)).start(given()), call),
    stop: (id, options = {}, call = {}) =>
      caller.nothing((docker) => docker.getContainer(idPart(id)).stop(stopping(options)), caller.later(call, graceMs(options))),
    restart: (id, options = {}, call = {}) =>
      caller.nothing(
        (docker) => docker.getContainer(idPart(id)).restart(stopping(options)),
        caller.later(call, graceMs(options)),
      ),
    kill: (id, signal, call) => caller.nothing((docker) => docker.getContainer(idPart(id)).kill(given({ signal })), call),
    pause: (id, call) => caller.nothing((docker) => docker.getContainer(idPart(id)).pause(), call),
    unpause: (id, call) => caller.nothing((docker) => docker.getContainer(idPart(id)).unpause(), call),
    wait: (id, condition = "not-running", call: Call = {}) =>
      // The engine sends the answer's head when it begins to wait, and the rest when the condition holds.
      caller.last(
        "container wait",
        answers.waitResult,
        (docker) => docker.getContainer(idPart(id)).wait(given({ condition })),
        call,
      ),
    top: (id, psArgs, call) =>
      caller.json(
        "container top",
        answers.processes,
        (docker) => docker.getContainer(idPart(id)).top(given({ ps_args: psArgs })),
        call,
      ),
  };
}

const stopping = ({ graceSeconds, signal }: StopOptions): object => given({ t: graceSeconds, signal });

/** What the engine itself waits before it answers; its own default where nothing is said. */
const graceMs = ({ graceSeconds = 10 }: StopOptions): number => Math.max(0, graceSeconds) * 1_000;
