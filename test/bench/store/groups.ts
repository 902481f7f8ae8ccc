/** The bench of the store: speed in memory, durable commits, what DynamoDB is asked for, watches and memory. */
import type { Group } from "../report.ts";
import { swarmkitGroup } from "./swarmkit.ts";

export const storeGroups: readonly Group[] = [swarmkitGroup];
