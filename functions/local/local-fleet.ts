/**
 * The fleet's side of the embedded host: the fleets of all clusters, and the Docker API in front of them. Their code is loaded beside the
 * start, docker's when its first request or node comes: a start without nodes takes no longer for them.
 */
import type { Authenticator } from "../../shared/access/access.ts";
import type { Metrics } from "../../shared/api/metrics.ts";
import { once } from "../../shared/base/once.ts";
import type { ClearanceOptions } from "../../shared/fleet/clearance.ts";
import type { OpenEngine } from "../../shared/fleet/nodes/engines.ts";
import { environmentSecrets } from "../../shared/fleet/secrets/environment.ts";
import { fileSecrets } from "../../shared/fleet/secrets/files.ts";
import { firstOf, keepFor, type SecretResolver } from "../../shared/fleet/secrets/resolver.ts";
import type { Cluster } from "../../shared/kinds/cluster.ts";
import { type Config, secretsFolder } from "./config.ts";
import { type DockerFront, dockerFront } from "./docker-front.ts";
import type { FleetsOptions } from "./fleets.ts";
import { release } from "./release.ts";
import { refuseUpgrades, type UpgradeHook } from "./upgrade.ts";

export type LocalFleetOptions = Omit<FleetsOptions, "secrets" | "open" | "isAtWork"> & {
  readonly config: Config;
  readonly authenticator: Authenticator;
  readonly metrics: Metrics;
};

export type LocalFleet = {
  readonly docker: DockerFront;
  /** Of all connections: only docker's leave HTTP. */
  readonly upgrade: UpgradeHook;
  /** After the signal has aborted, when no request is under way any more: resolves when all has ended. */
  close(): Promise<void>;
};

/** A rotated secret is noticed this late: each request to an engine asks for its keys. */
const secretKeepMs = 10_000;

export function openLocalFleet(
  { config, authenticator, metrics, ...common }: LocalFleetOptions,
  signal: AbortSignal,
): LocalFleet {
  const secrets = keepFor(secretsOf(config), { clock: common.clock, keepMs: secretKeepMs });
  const own = { secrets, open: openEngine, isAtWork: config.fleet ?? true };
  const fleets = import("./fleets.ts").then(({ Fleets }) => new Fleets({ ...common, ...own }, signal));
  const openApi = once(async () => {
    const { DockerApi } = await import("../../shared/docker-api/docker-api.ts");
    const find = async (name: string) => (await fleets).find(name);
    return new DockerApi({ ...common, authenticator, release, transport: "stream", fleets: find });
  });
  const running = fleets.then((all) => all.run());
  const docker = dockerFront(openApi, { metrics, clock: common.clock });
  const refuse = refuseUpgrades(authenticator);
  return {
    docker,
    upgrade: (request, socket, head) => (docker.takes(request.url ?? "") ? docker.upgrade : refuse)(request, socket, head),
    close: async () => {
      await running;
      await (await fleets)[Symbol.asyncDispose]();
    },
  };
}

/** What a deleted cluster left on its nodes is removed; a host that leaves fleets alone leaves that, too, and says so. */
export function localClearance(
  { config, ...common }: Omit<ClearanceOptions, "secrets" | "open"> & { readonly config: Config },
  signal: AbortSignal,
): (cluster: Cluster) => Promise<boolean> {
  const opened = once(async () => {
    const { Clearance } = await import("../../shared/fleet/clearance.ts");
    return new Clearance({ ...common, secrets: secretsOf(config), open: openEngine });
  });
  return async (cluster) => (config.fleet === false ? leave(cluster, common) : (await opened()).clear(cluster, signal));
}

async function leave(cluster: Cluster, { logger, ...ports }: LeaveOptions): Promise<boolean> {
  const { readSealedLife } = await import("../../shared/fleet/sealed-life.ts");
  const { name, uid } = cluster.metadata;
  const nodes = (await readSealedLife(cluster, ports)).nodes.map(({ metadata }) => metadata.name);
  if (nodes.length > 0)
    logger.log("warn", "a deleted cluster's containers stay on its nodes: the fleet is off", {
      cluster: name,
      uid,
      nodes: nodes.slice(0, namedMax),
    });
  return true;
}

type LeaveOptions = Pick<ClearanceOptions, "log" | "objects" | "logger">;
/** Nodes that one line of the log names. */
const namedMax = 100;

const openEngine: OpenEngine = async (options) => {
  const { openDockerEngine } = await import("../../shared/fleet/docker/open.ts");
  return openDockerEngine(options);
};

const secretsOf = (config: Config): SecretResolver =>
  firstOf([fileSecrets(secretsFolder(config)), environmentSecrets(process.env)]);
