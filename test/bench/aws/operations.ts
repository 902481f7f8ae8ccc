/**
 * What one operation asks of AWS, and what a million of them cost: requests and units as the clients sent them, to their end: rows, events
 * and the strip a week later included. The counts are facts; durations are this machine's and a round trip's.
 */
import { createTables } from "../../localstack/tables.ts";
import { factBar, type Group, type Row } from "../report.ts";
import { Deployment } from "./deployment.ts";
import { fill, largeNodes, largeNodesQuick, operations } from "./operation-list.ts";
import { columns, measured, rowOf } from "./operation-rows.ts";

const timesEach = 5;

export const operationsGroup: Group = {
  title: "what an operation asks for and costs, on DynamoDB",
  workloads: Object.keys(operations),
  async run(wanted, context) {
    const answer = await context.localStack();
    if ("missing" in answer) return { title: this.title, skipped: answer.missing };
    const tables = await createTables(answer.endpoint);
    const deployment = new Deployment(answer.endpoint, tables.names);
    try {
      const large = context.quick ? largeNodesQuick : largeNodes;
      const needsLarge = [...wanted].some((name) => name.includes("10,000"));
      context.progress(this.title, "filling");
      await fill(deployment, needsLarge ? large : 0);
      const world = { deployment, endpoint: answer.endpoint, names: tables.names, large, quick: context.quick };
      const rows: Row[] = [];
      for (const [name, make] of Object.entries(operations)) {
        if (!wanted.has(name)) continue;
        context.progress(name, "counting");
        rows.push(rowOf(name, await measured(deployment, make(world), context.quick ? 1 : timesEach)));
      }
      return { title: this.title, columns, rows: [...rows, agreement(deployment)], notes };
    } finally {
      await deployment.close();
      await tables.drop();
    }
  },
};

const notes = [
  "One of each, with little else to do: each entry wakes a publisher of its own (a batch of wake-ups shares what is not a row or an event). Duration: the function's own work here, scaled to its memory, and 7.5 ms for each time it waits for AWS, told and charged as the next class above. A million: dollars in us-east-1 on arm64, with API Gateway, logs, the event archive and what is sent to the internet. Lambda's stream reads (one record a commit; four polls a second and shard) are free. A change of a node wakes its fleet: of that only the message is counted here.",
];

/** Whether DynamoDB Local's own figures, where it gives some, are ours. */
function agreement({ meter: { differences } }: Deployment): Row {
  const [first = "none"] = differences;
  return {
    workload: "differences from the server's figures",
    cells: [first, ...columns.slice(1).map(() => "")],
    figures: { differences: differences.length },
    bars: [factBar("none", differences.length === 0)],
  };
}
