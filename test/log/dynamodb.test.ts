/** The ports' conformance suites on DynamoDB: DynamoDB Local inside LocalStack. What only this adapter does is in dynamodb-*.test.ts. */
import { describe } from "vitest";
import { localStack } from "../component.ts";
import { cellsConformance } from "../conformance/cells.ts";
import { logConformance } from "../conformance/log.ts";
import { objectsConformance } from "../conformance/objects.ts";
import { openTemporaryDynamo } from "./open-dynamodb.ts";

const endpoint = await localStack();
/** Each run of a property is some dozen requests of some milliseconds. */
const runs = 5;

describe.skipIf(endpoint === undefined)("on DynamoDB", () => {
  for (const conforms of [logConformance, objectsConformance, cellsConformance]) {
    conforms("dynamodb", () => openTemporaryDynamo(endpoint ?? ""), { runs });
  }
});
