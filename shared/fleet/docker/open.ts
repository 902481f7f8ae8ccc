/** The Engine port on a real Docker engine. Opening connects to nothing: the first call does. */
import type { Engine } from "../engine.ts";
import { Caller, type DockerodeClass } from "./caller.ts";
import { dockerContainers } from "./containers.ts";
import { dockerExecs } from "./execs.ts";
import { dockerImages } from "./images.ts";
import { dockerNetworks, dockerVolumes } from "./networks.ts";
import { dockerRaw } from "./raw.ts";
import { dockerRuns } from "./runs.ts";
import { dockerStreams } from "./streams.ts";
import { dockerSystem } from "./system.ts";
import { dockerTransfers } from "./transfers.ts";
import { Wire, type WireOptions } from "./wire.ts";

/** @throws Error when the address is none of an engine. */
export async function openDockerEngine(options: WireOptions): Promise<Engine> {
  const wire = new Wire(options);
  const caller = new Caller(wire, await dockerode());
  return {
    address: options.address,
    system: dockerSystem(caller),
    containers: dockerContainers(caller),
    runs: dockerRuns(caller),
    streams: dockerStreams(caller),
    execs: dockerExecs(caller),
    images: dockerImages(caller),
    transfers: dockerTransfers(caller),
    networks: dockerNetworks(caller),
    volumes: dockerVolumes(caller),
    raw: dockerRaw(wire),
    [Symbol.asyncDispose]: async () => wire.close(),
  };
}

/** Loaded when the first engine is opened: with ssh and gRPC, which are not used, it takes a tenth of a second. */
async function dockerode(): Promise<DockerodeClass> {
  const { default: Docker } = await import("dockerode");
  return Docker as unknown as DockerodeClass;
}
