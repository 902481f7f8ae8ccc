/** The HTTP cases: what every host of the interface must do. A host's test is one call with its base URL and token. */
import { describe } from "vitest";
import { accessCases } from "./access.ts";
import { applyCases } from "./apply.ts";
import { badInputCases } from "./bad-input.ts";
import { Client, type Target } from "./client.ts";
import { clusterCases } from "./clusters.ts";
import { deletionCases } from "./deletion.ts";
import { discoveryCases } from "./discovery.ts";
import { eventCases } from "./events.ts";
import { listCases } from "./lists.ts";
import { managedFieldCases } from "./managed-fields.ts";
import { objectCases } from "./objects.ts";
import { exportCases, historyCases, metricsCases, tokenCases } from "./own-routes.ts";
import { quotaCases } from "./quotas.ts";
import { reviewCases } from "./reviews.ts";
import { scaleCases } from "./scale.ts";
import { statusCases } from "./statuses.ts";
import { tableCases } from "./tables.ts";
import { watchCases } from "./watches.ts";
import { writeOptionCases } from "./write-options.ts";

/** `target` is asked when a case runs, so that a host may start in beforeAll. */
export function httpCases(name: string, target: () => Target): void {
  const client = new Client(target);
  describe(name, () => {
    describe("discovery", () => discoveryCases(client));
    describe("access", () => accessCases(client));
    describe("reviews", () => reviewCases(client));
    describe("tokens", () => tokenCases(client));
    describe("history", () => historyCases(client));
    describe("export", () => exportCases(client));
    describe("metrics", () => metricsCases(client));
    describe("objects", () => objectCases(client));
    describe("deletion", () => deletionCases(client));
    describe("scale", () => scaleCases(client));
    describe("clusters", () => clusterCases(client));
    describe("quotas", () => quotaCases(client));
    describe("events", () => eventCases(client));
    describe("status", () => statusCases(client));
    describe("write options", () => writeOptionCases(client));
    describe("apply", () => applyCases(client));
    describe("managed fields", () => managedFieldCases(client));
    describe("bad input", () => badInputCases(client));
    describe("lists", () => listCases(client));
    describe("tables", () => tableCases(client));
    describe("watches", () => watchCases(client));
  });
}
