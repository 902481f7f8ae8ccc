/** The source's default scheduler: the nodes in turns, whatever they carry. Its counter is this process's own. */
import type { Node } from "../../kinds/node.ts";
import { NoNodesError } from "./errors.ts";
import type { ScheduleRequest, Scheduler } from "./scheduler.ts";

export class RoundRobin implements Scheduler {
  #turn = 0;

  async schedule({ nodes, avoid }: ScheduleRequest): Promise<Node> {
    const fresh = nodes.filter(({ metadata }) => !avoid.has(metadata.name));
    const asked = fresh.length > 0 ? fresh : nodes;
    const node = asked[this.#turn % asked.length];
    this.#turn = (this.#turn + 1) % Number.MAX_SAFE_INTEGER;
    if (node === undefined) throw new NoNodesError("No nodes available");
    return node;
  }
}
