/** Swarm mode and plugins: engines that are in no swarm refuse it in these words, and so do we; services are Windlass's own objects. */
import type { Call } from "../call.ts";
import { DockerError } from "../errors.ts";

const manager =
  'This node is not a swarm manager. Use "docker swarm init" or "docker swarm join" to connect this node to swarm and try again.';
const own = "Windlass is no swarm: its services, tasks and nodes are objects of its own API, for kubectl.";

/** Docker's status for what needs a swarm. */
export function refuseSwarm(_call: Call): never {
  throw new DockerError(503, `${manager} ${own}`);
}

/** What `docker inspect` asks last, and goes on from. */
export function noSuchPlugin({ params }: Call): never {
  throw new DockerError(404, `plugin ${JSON.stringify(params["name"] ?? "")} not found`);
}

/** `/swarm` and `/plugins`. */
export const refuse =
  (message: string) =>
  (_call: Call): never => {
    throw new DockerError(501, message);
  };

export const words = {
  swarmChange: `swarm mode is not served here. ${own}`,
  plugins: "plugins are the nodes' own: manage them on the node itself.",
} as const;
