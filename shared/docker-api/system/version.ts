/** `docker version`: Windlass as the engine, and as components the engines that are known, by their versions. */
import type { Call } from "../call.ts";
import { type DockerAnswer, json } from "../exchange.ts";
import { knowledgeHeaders, nodesOf, oldest } from "../fan-out.ts";
import { newestVersion, oldestVersion } from "../versions.ts";

export async function version(call: Call): Promise<DockerAnswer> {
  const { front } = call;
  const { nodes, revision } = await nodesOf(call);
  const counts = new Map<string, number>();
  for (const { status } of nodes) {
    const known = status?.engine?.version ?? "unknown";
    counts.set(known, (counts.get(known) ?? 0) + 1);
  }
  const engines = [...counts].map(([Version, count]) => ({ Name: "Node Engine", Version, Details: { Nodes: String(count) } }));
  const details = { ApiVersion: newestVersion, MinAPIVersion: oldestVersion, Os: "linux", Arch: "amd64" };
  const own = { Name: "Engine", Version: front.release, Details: { ...details, Experimental: "false" } };
  const answer = {
    Platform: { Name: "Windlass" },
    Components: [own, ...engines],
    Version: front.release,
    ...details,
    Experimental: false,
  };
  return json(answer, { headers: knowledgeHeaders({ revision, ageSeconds: oldest(nodes, front.clock.now()) }) });
}
