/** The bench of the fleet: how fast placement and the reconciler decide. */
import type { Group } from "../report.ts";
import { decideGroup } from "./decide.ts";

export const fleetGroups: readonly Group[] = [decideGroup];
