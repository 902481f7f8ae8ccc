/**
 * What a round reads: the World, as one transaction has it. Of containers only those that take room, by their index, and those of nodes that
 * are being removed.
 */
import { byAnyStanding } from "../../state/selector.ts";
import type { Transaction } from "../../state/transaction.ts";
import { standingOf } from "../placement/standing.ts";
import { containersLeft } from "./hold.ts";
import type { World } from "./world.ts";

export function worldIn({ nodes: table, services, tasks, containers }: Transaction, now: number): World {
  const nodes = table.find();
  return {
    now,
    nodes,
    services: services.find(),
    tasks: tasks.find(),
    standing: containers.find(byAnyStanding).map(standingOf),
    containersLeft: containersLeft(nodes, containers),
  };
}
