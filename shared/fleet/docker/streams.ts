/** ContainerStreams on dockerode. */
import type { IncomingMessage } from "node:http";
import { Readable } from "node:stream";
import type { ContainerStreams, PathStat } from "../engine/streams.ts";
import { EngineAnswerError } from "../engine-errors.ts";
import * as answers from "./answers.ts";
import { type Caller, idPart } from "./caller.ts";
import { Incoming } from "./incoming.ts";
import { asConnection, given } from "./modem.ts";

export function dockerStreams(caller: Caller): ContainerStreams {
  return {
    logs: (id, { stdout = true, stderr = true, follow, timestamps, since, until, tail } = {}, call) =>
      caller.stream(
        (docker) =>
          docker.getContainer(idPart(id)).logs(given({ stdout, stderr, follow, timestamps, since, until, tail: tail ?? "all" })),
        call,
      ),
    stats: (id, { once = false } = {}, call) =>
      caller.rows(
        "container stats",
        answers.anything,
        (docker) => docker.getContainer(idPart(id)).stats(given({ stream: !once, "one-shot": once || undefined })),
        call,
      ),
    attach: async (id, { stdin = false, stdout = true, stderr = true, logs, detachKeys } = {}, call) =>
      asConnection(
        await caller.raw(
          "connection",
          (docker) => docker.getContainer(idPart(id)).attach(given({ stream: true, stdin, stdout, stderr, logs, detachKeys })),
          call,
        ),
      ),
    resize: (id, { height: h, width: w }, call) =>
      caller.nothing((docker) => docker.getContainer(idPart(id)).resize(given({ h, w })), call),
    stat: async (id, path, call) => {
      // Not HEAD: a refusal of it has no words.
      const { response } = await caller.answer({ method: "GET", path: archivePath(id), query: { path } }, call);
      response.destroy();
      return statOf(response, caller.wire.address);
    },
    download: async (id, path, call = {}) => {
      const answer = await caller.answer({ method: "GET", path: archivePath(id), query: { path } }, call);
      return {
        stat: statOf(answer.response, caller.wire.address),
        tar: new Incoming(caller.wire, "container archive", answer, call),
      };
    },
    upload: (id, path, tar, call) =>
      caller.nothing(
        (docker) => docker.getContainer(idPart(id)).putArchive(Readable.from(tar, { objectMode: false }), given({ path })),
        call,
      ),
    export: (id, call) => caller.stream((docker) => docker.getContainer(idPart(id)).export(), call),
  };
}

const archivePath = (id: string): string => `/containers/${idPart(id)}/archive`;

/** @throws EngineAnswerError where the header is not there or not what Docker's API says. */
function statOf({ headers }: IncomingMessage, address: string): PathStat {
  const what = "container archive";
  const header = headers["x-docker-container-path-stat"];
  let stat: unknown;
  try {
    stat = JSON.parse(Buffer.from(String(header), "base64").toString());
  } catch {
    throw new EngineAnswerError(address, what, "X-Docker-Container-Path-Stat is missing or no JSON");
  }
  return answers.checked(answers.pathStat, stat, { address, what });
}
