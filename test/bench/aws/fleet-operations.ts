/**
 * What fleets ask of AWS: rounds of the reconciler, what wakes them, and what follows from a change; counted as all operations are, to the
 * last event. Engines are simulated; their answers are counted as time only.
 */
import { createTables } from "../../localstack/tables.ts";
import type { Group, Row } from "../report.ts";
import { Deployment } from "./deployment.ts";
import { fillFleet, fleetSize } from "./fleet-fill.ts";
import { fleetOperations } from "./fleet-list.ts";
import { columns, measured, rowOf } from "./operation-rows.ts";
import { engineMs } from "./reconcilers.ts";

const timesEach = 3;

export const fleetGroup: Group = {
  title: "what a fleet asks for and costs, on DynamoDB",
  workloads: Object.keys(fleetOperations),
  async run(wanted, context) {
    const answer = await context.localStack();
    if ("missing" in answer) return { title: this.title, skipped: answer.missing };
    const tables = await createTables(answer.endpoint);
    const deployment = new Deployment(answer.endpoint, tables.names);
    try {
      context.progress(this.title, "filling");
      await deployment.install();
      await fillFleet(deployment);
      const rows: Row[] = [];
      for (const [name, make] of Object.entries(fleetOperations)) {
        if (!wanted.has(name)) continue;
        context.progress(name, "counting");
        rows.push(rowOf(name, await measured(deployment, make(deployment), context.quick ? 1 : timesEach)));
      }
      return { title: this.title, columns, rows, notes };
    } finally {
      await deployment.close();
      await tables.drop();
    }
  },
};

const notes = [
  `A cluster of ${fleetSize.nodes} nodes and ${fleetSize.tasks} tasks, all running; at last nine clusters of one node beside it. Engines answer after ${engineMs} ms: an assumption, without TLS; only durations go by it. SQS: a send for each wake-up (EventBridge's for what changed, the healer's for the minute), a receive and a delete for each batch; polls that find nothing are in the month's bill.`,
];
