/** The store on DynamoDB: DynamoDB Local inside LocalStack. */
import { describe } from "vitest";
import { localStack } from "../component.ts";
import { storeConformance } from "../conformance/store.ts";
import { openTemporaryDynamo } from "../log/open-dynamodb.ts";

const endpoint = await localStack();

describe.skipIf(endpoint === undefined)("on DynamoDB", () => {
  storeConformance("dynamodb", () => openTemporaryDynamo(endpoint ?? ""), { runs: 5 });
});
