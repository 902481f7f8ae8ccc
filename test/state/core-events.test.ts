/** Events beside the log on every adapter's cells. */
import { describe } from "vitest";
import { openMemory } from "../../shared/log/memory/open.ts";
import { localStack } from "../component.ts";
import { coreEventConformance } from "../conformance/core-events.ts";
import { openTemporaryDynamo } from "../log/open-dynamodb.ts";
import { openTemporarySqlite } from "../log/open-sqlite.ts";

coreEventConformance("memory", async () => openMemory(), { runs: 300 });
coreEventConformance("sqlite", openTemporarySqlite, { runs: 20, bounds: false });

const endpoint = await localStack();
describe.skipIf(endpoint === undefined)("on DynamoDB", () => {
  coreEventConformance("dynamodb", () => openTemporaryDynamo(endpoint ?? ""), { runs: 2, bounds: false });
});
