/** The HTTP cases: what every host of the interface must do. A host's test is one call with its base URL and token. */
import { describe } from "vitest";
import { accessCases } from "./access.ts";
import { badInputCases } from "./bad-input.ts";
import { Client, type Target } from "./client.ts";
import { discoveryCases } from "./discovery.ts";
import { listCases } from "./lists.ts";
import { objectCases } from "./objects.ts";
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
    describe("objects", () => objectCases(client));
    describe("status", () => statusCases(client));
    describe("write options", () => writeOptionCases(client));
    describe("bad input", () => badInputCases(client));
    describe("lists", () => listCases(client));
    describe("tables", () => tableCases(client));
    describe("watches", () => watchCases(client));
  });
}
