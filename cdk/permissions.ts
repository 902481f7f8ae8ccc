/**
 * What each function may do to the tables: the requests that the adapters of shared/log/dynamodb make for it, and no others. Nobody
 * may scan a table, delete an entry, or change a table itself.
 */
import type { Table } from "aws-cdk-lib/aws-dynamodb";
import type { IGrantable } from "aws-cdk-lib/aws-iam";
import type { Tables } from "./tables.ts";

export type FunctionName = "api" | "publisher" | "healer" | "reconciler" | "installer";

type Action = "GetItem" | "Query" | "PutItem" | "UpdateItem" | "DeleteItem" | "BatchWriteItem";
type TableActions = { readonly log: readonly Action[]; readonly objects: readonly Action[] };

/** Commits, reads, and strips old entries to stubs. */
const wholeLog = ["Query", "PutItem", "BatchWriteItem"] as const;
/** Rows, markers and cells: read, written under conditions, and removed in batches when a life is over. */
const wholeObjects = ["GetItem", "Query", "PutItem", "UpdateItem", "DeleteItem", "BatchWriteItem"] as const;

const tableActions: Readonly<Record<FunctionName, TableActions>> = {
  api: { log: wholeLog, objects: wholeObjects },
  /** Collects garbage of owners and clusters, too, so it commits. */
  publisher: { log: wholeLog, objects: wholeObjects },
  healer: { log: wholeLog, objects: wholeObjects },
  /** Commits, and keeps leases and events; rows and markers are the publisher's. */
  reconciler: { log: ["Query", "PutItem"], objects: ["GetItem", "Query", "PutItem", "UpdateItem", "DeleteItem"] },
  /** Stores the hash of the first token; deletes it, if it was broken off before anybody knew the text. */
  installer: { log: [], objects: ["GetItem", "Query", "PutItem", "UpdateItem", "DeleteItem"] },
};

/** Lets the function `name`, whose role is `grantee`, use the tables, and their key where it is the customer's. */
export function grantTables(name: FunctionName, grantee: IGrantable, { log, objects }: Tables): void {
  grant(log, grantee, tableActions[name].log);
  grant(objects, grantee, tableActions[name].objects);
}

function grant(table: Table, grantee: IGrantable, actions: readonly Action[]): void {
  if (actions.length === 0) return;
  table.grant(grantee, ...actions.map((action) => `dynamodb:${action}`));
  table.encryptionKey?.grantEncryptDecrypt(grantee);
}
