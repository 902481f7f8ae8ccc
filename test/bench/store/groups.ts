/** The bench of the store: speed in memory, durable commits, what DynamoDB is asked for, watches and memory. */
import type { Group } from "../report.ts";
import { durableGroup } from "./durable.ts";
import { heapGroup } from "./heap.ts";
import { requestsGroup } from "./requests.ts";
import { swarmkitGroup } from "./swarmkit.ts";
import { watchersGroup } from "./watchers.ts";

export const storeGroups: readonly Group[] = [swarmkitGroup, durableGroup, requestsGroup, watchersGroup, heapGroup];
