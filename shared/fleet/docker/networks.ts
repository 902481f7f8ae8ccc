/** EngineNetworks and EngineVolumes on dockerode. */
import type { EngineNetworks, EngineVolumes } from "../engine/networks.ts";
import * as answers from "./answers.ts";
import { type Caller, idPart } from "./caller.ts";
import { given } from "./modem.ts";

export function dockerNetworks(caller: Caller): EngineNetworks {
  return {
    list: (filters, call) =>
      caller.json("network list", answers.networks, (docker) => docker.listNetworks(given({ filters })), call),
    inspect: (id, call) =>
      caller.json("network inspect", answers.network, (docker) => docker.getNetwork(idPart(id)).inspect(), call),
    create: (body, call) =>
      caller.post(
        "network create",
        answers.idAnswer,
        { path: "/networks/create", body: { CheckDuplicate: true, ...body } },
        call,
      ),
    remove: (id, call) => caller.nothing((docker) => docker.getNetwork(idPart(id)).remove(), call),
    connect: (id, container, endpoint, call) =>
      caller.nothing(
        (docker) =>
          docker
            .getNetwork(idPart(id))
            .connect(given({}, { Container: container, EndpointConfig: endpoint }) as { Container: string }),
        call,
      ),
    disconnect: (id, container, { force = false } = {}, call) =>
      caller.nothing(
        (docker) => docker.getNetwork(idPart(id)).disconnect(given({}, { Container: container, Force: force })),
        call,
      ),
  };
}

export function dockerVolumes(caller: Caller): EngineVolumes {
  return {
    list: async (filters, call) => {
      const ask = given({ filters });
      const { Volumes } = await caller.json<{ readonly Volumes: Awaited<ReturnType<EngineVolumes["list"]>> }>(
        "volume list",
        answers.volumes,
        (docker) => docker.listVolumes(ask),
        call,
      );
      return Volumes;
    },
    inspect: (name, call) =>
      caller.json("volume inspect", answers.volume, (docker) => docker.getVolume(idPart(name)).inspect(), call),
    create: (body, call) => caller.post("volume create", answers.volume, { path: "/volumes/create", body }, call),
    remove: (name, { force } = {}, call) =>
      caller.nothing((docker) => docker.getVolume(idPart(name)).remove(given({ force })), call),
  };
}
