/** EngineContainers on dockerode. */
import type { EngineContainers } from "../engine/containers.ts";
import * as answers from "./answers.ts";
import { type Caller, idPart } from "./caller.ts";
import { given } from "./modem.ts";

export function dockerContainers(caller: Caller): EngineContainers {
  return {
    // dockerode answers with a handle and drops the warnings.
    create: ({ name, platform, body }, call) =>
      caller.post("container create", answers.idAnswer, { path: "/containers/create", query: { name, platform }, body }, call),
    inspect: (id, { size } = {}, call) =>
      caller.json(
        "container inspect",
        answers.containerDetails,
        (docker) => docker.getContainer(idPart(id)).inspect(given({ size })),
        call,
      ),
    list: ({ all, limit, size, filters } = {}, call) =>
      caller.json(
        "container list",
        answers.containerSummaries,
        (docker) => docker.listContainers(given({ all, limit: limit || undefined, size, filters })),
        call,
      ),
    remove: (id, { force, volumes: v } = {}, call) =>
      caller.nothing((docker) => docker.getContainer(idPart(id)).remove(given({ force, v })), call),
    rename: (id, name, call) => caller.nothing((docker) => docker.getContainer(idPart(id)).rename(given({ name })), call),
    update: (id, body, call) =>
      caller.json(
        "container update",
        answers.anything,
        (docker) => docker.getContainer(idPart(id)).update(given({}, body)),
        call,
      ),
    changes: (id, call) =>
      caller.json("container changes", answers.changes, (docker) => docker.getContainer(idPart(id)).changes(), call),
    commit: (id, { config, ...query } = {}, call) =>
      caller.json(
        "container commit",
        answers.idAnswer,
        (docker) => docker.getContainer(idPart(id)).commit(given({ container: id, ...query }, config ?? {})),
        call,
      ),
  };
}
