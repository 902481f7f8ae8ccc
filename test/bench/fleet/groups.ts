/** The bench of the fleet: the Docker API, placement, reaction, healing, and what a fleet costs that is left alone. */
import type { Group } from "../report.ts";
import { decideGroup } from "./decide.ts";
import { frontGroup } from "./front.ts";
import { idleGroup } from "./idle.ts";
import { reactionGroup } from "./reaction.ts";
import { roundsGroup } from "./rounds.ts";

export const fleetGroups: readonly Group[] = [frontGroup, decideGroup, reactionGroup, roundsGroup, idleGroup];
