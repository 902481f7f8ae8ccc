/** What a round reads: the World, as one transaction has it. Of containers only those that take room, by their index. */
import { byAnyStanding } from "../../state/selector.ts";
import type { Transaction } from "../../state/transaction.ts";
import { standingOf } from "../placement/standing.ts";
import type { World } from "./world.ts";

export const worldIn = ({ nodes, services, tasks, containers }: Transaction, now: number): World => ({
  now,
  nodes: nodes.find(),
  services: services.find(),
  tasks: tasks.find(),
  standing: containers.find(byAnyStanding).map(standingOf),
});
