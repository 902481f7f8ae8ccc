/**
 * The operations of fleets that the bench counts, on one of 20 nodes and 60 tasks and, in the end, nine small ones beside it. What may be
 * asked for are facts; above all, a fleet at rest commits nothing and tells nobody.
 */
import { once } from "../../../shared/base/once.ts";
import { type Bar, factBar } from "../report.ts";
import type { Usage } from "./bill.ts";
import type { Deployment } from "./deployment.ts";
import { addSmallFleets, changeNode, fleetSize, minute, minuteRound, scale } from "./fleet-fill.ts";
import type { Operation } from "./operation-list.ts";

const scaledBy = 10;
const fleets = 10;
/** Reads of the log's end: nothing has come since the last. */
const restReadsMax = 20;

export const fleetOperations: Readonly<Record<string, (deployment: Deployment) => Operation>> = {
  "a round at rest, warm": (deployment) => ({
    run: () => minuteRound(deployment),
    bars: (usage) => [restBar(usage), cellsBar(usage)],
  }),
  "a round at rest, cold start": (deployment) => ({
    prepare: () => deployment.reconcilers.coldStart(),
    run: () => minuteRound(deployment),
    bars: (usage) => [restBar(usage)],
  }),
  "a node's update, to the end of the round that it wakes": (deployment) => {
    let made = 0;
    return {
      run: () => changeNode(deployment, ++made),
      bars: (usage) => [factBar("1 entry, 1 round", usage.streamRecords === 1 && roundsIn(usage) === 1)],
    };
  },
  "a service scaled by 10, until its tasks run": (deployment) => ({
    prepare: () => scale(deployment, fleetSize.tasks),
    run: () => scale(deployment, fleetSize.tasks + scaledBy),
    bars: (usage) => [
      factBar(
        "1 round, 2 entries and 50 requests a task at most",
        roundsIn(usage) === 1 && usage.streamRecords <= 2 * scaledBy && usage.requests <= 50 * scaledBy,
      ),
    ],
  }),
  "a minute of the healer, 10 fleets at rest": (deployment) => ({
    prepare: once(() => addSmallFleets(deployment, fleets - 1)),
    run: () => minute(deployment),
    bars: (usage) => [
      restBar(usage),
      // What is sent, received and deleted.
      factBar("one request for ten wake-ups, 1 call for all", usage.queueRequests === 3 && roundsIn(usage) === 1),
    ],
  }),
};

const roundsIn = ({ invocations }: Usage): number => invocations.filter(({ of }) => of === "reconciler").length;

const restBar = ({ streamRecords, events }: Usage): Bar => factBar("no entry, no event", streamRecords === 0 && events === 0);

/** Nothing is asked for each node: the state is read as often in a fleet of one. */
const cellsBar = ({ writeUnits, readUnits }: Usage): Bar =>
  factBar(`no write; ${restReadsMax} read units, however many nodes`, writeUnits === 0 && readUnits <= restReadsMax);
