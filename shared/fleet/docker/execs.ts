/** EngineExecs on dockerode. */
import type { EngineExecs } from "../engine/execs.ts";
import * as answers from "./answers.ts";
import { type Caller, idPart } from "./caller.ts";
import { asConnection, given } from "./modem.ts";

export function dockerExecs(caller: Caller): EngineExecs {
  return {
    create: async (containerId, body, call) =>
      caller.post("exec create", answers.idAnswer, { path: `/containers/${idPart(containerId)}/exec`, body }, call),
    start: async (id, { tty = false } = {}, call) =>
      asConnection(
        await caller.raw(
          "connection",
          (docker) => docker.getExec(idPart(id)).start(given({}, { Detach: false, Tty: tty })),
          call,
        ),
      ),
    startDetached: (id, call) =>
      caller.nothing((docker) => docker.getExec(idPart(id)).start(given({}, { Detach: true, Tty: false })), call),
    inspect: (id, call) =>
      caller.json("exec inspect", answers.execDetails, (docker) => docker.getExec(idPart(id)).inspect(given()), call),
    resize: (id, { height: h, width: w }, call) =>
      caller.nothing((docker) => docker.getExec(idPart(id)).resize(given({ h, w })), call),
  };
}
