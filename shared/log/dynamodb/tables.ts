/**
 * The two tables as data, so that the stack, the tests and the adapters beside this file mean the same. Attribute names are one
 * letter: DynamoDB charges for an item's names and keys as for its values.
 *
 * Log: one item an entry, never deleted, so no time to live here. A stub is an item without body.
 * Objects: a life's rows, cells and marker in one partition, told apart by the first letter of the sort key. The marker sorts
 * last, so that whoever removes a life in key order removes its marker last.
 */
export type TableDefinition = {
  readonly partitionKey: KeyDefinition;
  readonly sortKey: KeyDefinition;
  /** What a stream record of the table holds; absent: no stream. */
  readonly stream?: "KEYS_ONLY";
  /** The attribute with the second since 1970 from which DynamoDB may delete the item. */
  readonly timeToLive?: string;
};
type KeyDefinition = { readonly name: string; readonly type: "S" | "N" };

export const logAttributes = {
  /** The cluster's uid. */
  cluster: "c",
  revision: "r",
  /** The entry as codec.ts stores it. */
  body: "b",
} as const;

export const objectAttributes = {
  /** The cluster's uid. */
  cluster: "c",
  key: "k",
  /** A row's or a tombstone's revision. */
  revision: "r",
  /** A row's or a cell's JSON as codec.ts packs it; a tombstone has none. */
  value: "v",
  /** A cell's version. */
  version: "n",
  /** When a cell expires, in milliseconds. */
  expires: "e",
  timeToLive: "t",
  first: "f",
  applied: "a",
  published: "p",
  stripped: "s",
} as const;

export const logTable: TableDefinition = {
  partitionKey: { name: logAttributes.cluster, type: "S" },
  sortKey: { name: logAttributes.revision, type: "N" },
  stream: "KEYS_ONLY",
};

export const objectsTable: TableDefinition = {
  partitionKey: { name: objectAttributes.cluster, type: "S" },
  sortKey: { name: objectAttributes.key, type: "S" },
  timeToLive: objectAttributes.timeToLive,
};

/** Sort keys in Objects. DynamoDB: at most 1,024 bytes; keys of objects have at most 900. */
export const cellKey = (key: string): string => `c/${key}`;
export const rowKey = (key: string): string => `o/${key}`;
export const markerKey = "~";
/** Undoes cellKey and rowKey. */
export const plainKey = (sortKey: string): string => sortKey.slice(2);
