/**
 * `docker info`: the cluster as one engine, counted from the store: no node is asked. Nodes stand in SystemStatus, as classic Swarm listed
 * them and as the CLI still prints them.
 */
import type { Node } from "../../kinds/node.ts";
import type { Transaction } from "../../state/transaction.ts";
import type { Call } from "../call.ts";
import { shownState } from "../containers/row.ts";
import { type DockerAnswer, json } from "../exchange.ts";
import { knowledgeHeaders, oldest } from "../fan-out.ts";
import { hostOf, isReady, nodeRow } from "../nodes/node-row.ts";

type Counts = { all: number; running: number; paused: number; stopped: number };
type Known = { readonly nodes: readonly Node[]; readonly byNode: ReadonlyMap<string, Counts>; readonly images: number };
type Line = readonly [name: string, value: string];

export async function info(call: Call): Promise<DockerAnswer> {
  const { ground, front } = call;
  const { value, revision } = await ground.store.view(known);
  const { nodes, byNode, images } = value;
  const sum = (of: keyof Counts): number => [...byNode.values()].reduce((total, counts) => total + counts[of], 0);
  const ready = nodes.filter(isReady);
  const status = statusLines(value);
  const nowMs = front.clock.now();
  const answer = {
    ID: ground.store.uid,
    Name: call.place.cluster,
    ServerVersion: front.release,
    Containers: sum("all"),
    ContainersRunning: sum("running"),
    ContainersPaused: sum("paused"),
    ContainersStopped: sum("stopped"),
    Images: images,
    Driver: "windlass",
    DriverStatus: null,
    SystemStatus: status,
    NCPU: ready.reduce((total, { status }) => total + (status?.engine?.resources?.cpus ?? 0), 0),
    MemTotal: ready.reduce((total, { status }) => total + (status?.engine?.resources?.memory ?? 0), 0),
    SystemTime: new Date(nowMs).toISOString(),
    ...constants,
  };
  return json(answer, { headers: knowledgeHeaders({ revision, ageSeconds: oldest(nodes, nowMs) }) });
}

/** What clients expect to be there, and what a fleet has not. */
const constants = {
  OperatingSystem: "Windlass",
  OSType: "linux",
  OSVersion: "",
  Architecture: "",
  KernelVersion: "",
  Plugins: { Volume: [], Network: ["bridge", "host", "macvlan", "null"], Authorization: null, Log: [] },
  MemoryLimit: true,
  SwapLimit: true,
  CpuCfsPeriod: true,
  CpuCfsQuota: true,
  CPUShares: true,
  CPUSet: true,
  PidsLimit: true,
  IPv4Forwarding: true,
  OomKillDisable: true,
  Debug: false,
  LoggingDriver: "",
  CgroupDriver: "",
  CgroupVersion: "",
  DockerRootDir: "",
  IndexServerAddress: "https://index.docker.io/v1/",
  RegistryConfig: { IndexConfigs: {}, InsecureRegistryCIDRs: [], Mirrors: [] },
  HttpProxy: "",
  HttpsProxy: "",
  NoProxy: "",
  Labels: [],
  ExperimentalBuild: false,
  LiveRestoreEnabled: false,
  Isolation: "",
  InitBinary: "",
  DefaultRuntime: "",
  Runtimes: {},
  SecurityOptions: [],
  Warnings: null,
  Swarm: { NodeID: "", NodeAddr: "", LocalNodeState: "inactive", ControlAvailable: false, Error: "", RemoteManagers: null },
} as const;

function known({ nodes, containers, images }: Transaction): Known {
  const byNode = new Map<string, Counts>();
  for (const container of containers.find()) {
    if (container.status?.containerId === undefined) continue;
    const { nodeName } = container.spec;
    let counts = byNode.get(nodeName);
    if (counts === undefined) {
      counts = { all: 0, running: 0, paused: 0, stopped: 0 };
      byNode.set(nodeName, counts);
    }
    counts.all += 1;
    const state = shownState(container);
    // As engines count them: one that is paused or restarting does not run.
    counts[state === "running" || state === "paused" ? state : "stopped"] += 1;
  }
  return { nodes: nodes.find(), byNode, images: images.find().length };
}

function statusLines({ nodes, byNode }: Known): readonly Line[] {
  const lines: Line[] = [["Nodes", String(nodes.length)]];
  for (const node of nodes) {
    const { metadata, spec, status } = node;
    const counts = byNode.get(metadata.name);
    const labels = Object.entries(metadata.labels ?? {}).map(([name, value]) => `${name}=${value}`);
    lines.push(
      [` ${metadata.name}`, hostOf(node) === "" ? spec.address : nodeRow(node).Addr],
      ["  └ Status", statusOf(node)],
      ["  └ Availability", spec.availability],
      [
        "  └ Containers",
        `${counts?.all ?? 0} (${counts?.running ?? 0} Running, ${counts?.paused ?? 0} Paused, ${counts?.stopped ?? 0} Stopped)`,
      ],
      ["  └ CPUs", String(status?.engine?.resources?.cpus ?? 0)],
      ["  └ Memory", memoryText(status?.engine?.resources?.memory ?? 0)],
      ["  └ Labels", labels.join(", ")],
      ["  └ ServerVersion", status?.engine?.version ?? ""],
    );
  }
  return lines;
}

/** Classic Swarm's words for the two states that it knew too. */
function statusOf({ status }: Node): string {
  const { state = "unknown", message } = status ?? {};
  const word = state === "ready" ? "Healthy" : state === "down" ? "Unhealthy" : state;
  return state === "ready" || message === undefined ? word : `${word}: ${message}`;
}

const memoryText = (bytes: number): string => `${(bytes / 1024 ** 3).toPrecision(4)} GiB`;
