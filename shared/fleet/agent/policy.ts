/** The bounds and times of a node's agent, each with its reason. */

export type AgentPolicy = {
  /** Everything on a node is listed again this often: what repairs a missed event. Classic Swarm refreshes every 30 to 60 s. */
  readonly relistMs: number;
  /** Events of a container that come together are looked at together. */
  readonly gatherMs: number;
  /** An engine's answer to anything but a pull or a stop. */
  readonly callMs: number;
  /** Until a created container counts as failed: a graph driver under load takes tens of seconds. */
  readonly createMs: number;
  /** A pull that makes no progress for so long has failed. */
  readonly pullSilenceMs: number;
  /** A round of `Agents.round` takes no longer, unless it is told otherwise. */
  readonly roundMs: number;
  /** Calls of an engine at the same time, beside those that wait for containers to stop. */
  readonly callsMax: number;
  /** Images of a node that are pulled at the same time; an engine itself loads three layers of each. */
  readonly pullsMax: number;
  /** Containers of a node that are stopped at the same time: each holds a connection for its grace period. */
  readonly stopsMax: number;
  /** Nodes that are worked on at the same time in a round. */
  readonly nodesMax: number;
  /** Containers of a node that are shown; foreign ones beyond them are not. */
  readonly containersMax: number;
  /** What failed is tried again after the first, then after twice as long, up to the last. */
  readonly retryMs: { readonly first: number; readonly last: number };
};

export const defaultAgentPolicy: AgentPolicy = {
  relistMs: 30_000,
  gatherMs: 50,
  callMs: 10_000,
  createMs: 60_000,
  pullSilenceMs: 120_000,
  roundMs: 45_000,
  callsMax: 8,
  pullsMax: 3,
  stopsMax: 64,
  nodesMax: 128,
  containersMax: 5_000,
  retryMs: { first: 1_000, last: 60_000 },
};
