/** The bench of the deployment on AWS: what operations and fleets ask for and cost, a month's bill, many writers of one log, and the functions' bundles. */
import type { Group } from "../report.ts";
import { bundlesGroup } from "./bundles.ts";
import { fleetGroup } from "./fleet-operations.ts";
import { monthsGroup } from "./months.ts";
import { operationsGroup } from "./operations.ts";
import { writersGroup } from "./writers.ts";

export const awsGroups: readonly Group[] = [operationsGroup, fleetGroup, monthsGroup, writersGroup, bundlesGroup];
