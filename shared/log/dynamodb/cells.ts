/**
 * Cells on DynamoDB: small items beside the log, in the partition of their life's rows. Every put and delete is one conditional
 * request. Whether a cell has expired is judged by conditions alone; DynamoDB's time to live only tidies up, an hour later.
 */
import {
  DeleteItemCommand,
  GetItemCommand,
  PutItemCommand,
  QueryCommand,
  UpdateItemCommand,
  type UpdateItemCommandInput,
} from "@aws-sdk/client-dynamodb";
import type { Cell, CellPut, Cells } from "../ports.ts";
import type { DynamoClients } from "./clients.ts";
import { isConditionFailed } from "./errors.ts";
import { bytesOf, type Item, number, numberOf, stringOf } from "./item.ts";
import { cellKey, objectAttributes, plainKey } from "./tables.ts";
import { packValue, unpackValue } from "./value.ts";

const { cluster, key, value, version, expires, timeToLive } = objectAttributes;
/** Clocks of writers differ; DynamoDB must not remove what one of them still takes for valid. */
const tidyAfterMs = 3_600_000;

type PutResult = Awaited<ReturnType<Cells["put"]>>;
export type DynamoCellsOptions = {
  readonly clients: DynamoClients;
  /** The Objects table's name. */
  readonly table: string;
};

export class DynamoCells implements Cells {
  readonly #clients: DynamoClients;
  readonly #table: string;

  constructor({ clients, table }: DynamoCellsOptions) {
    this.#clients = clients;
    this.#table = table;
  }

  async get(uid: string, name: string): Promise<Cell | undefined> {
    const get = new GetItemCommand({ TableName: this.#table, Key: itemKey(uid, name), ConsistentRead: true });
    const { Item: item } = await this.#clients.retrying.send(get);
    return item && cellOf(item);
  }

  async put(uid: string, put: CellPut): Promise<PutResult> {
    try {
      const newVersion = put.when === "absent" ? await this.#create(uid, put) : await this.#replace(uid, put, put.when);
      return { kind: "put", cell: newCell(put, newVersion) };
    } catch (error) {
      if (!isConditionFailed(error)) throw error;
      return { kind: "lost", cell: error.Item && cellOf(error.Item) };
    }
  }

  async delete(uid: string, name: string, isVersion: number): Promise<boolean> {
    const remove = new DeleteItemCommand({
      TableName: this.#table,
      Key: itemKey(uid, name),
      ConditionExpression: `${version} = :version`,
      ExpressionAttributeValues: { ":version": number(isVersion) },
    });
    try {
      await this.#clients.single.send(remove);
      return true;
    } catch (error) {
      if (isConditionFailed(error)) return false;
      throw error;
    }
  }

  async list(uid: string, prefix: string, limit: number): Promise<readonly Cell[]> {
    const cells: Cell[] = [];
    let start: Item | undefined;
    do {
      const answer = await this.#clients.retrying.send(
        new QueryCommand({
          TableName: this.#table,
          KeyConditionExpression: `${cluster} = :cluster AND begins_with(${key}, :prefix)`,
          ExpressionAttributeValues: { ":cluster": { S: uid }, ":prefix": { S: cellKey(prefix) } },
          ExclusiveStartKey: start,
          Limit: limit - cells.length,
          ConsistentRead: true,
        }),
      );
      cells.push(...(answer.Items ?? []).map(cellOf));
      start = answer.LastEvaluatedKey;
    } while (start !== undefined && cells.length < limit);
    return cells;
  }

  async #create(uid: string, put: CellPut): Promise<number> {
    await this.#clients.single.send(
      new PutItemCommand({
        TableName: this.#table,
        Item: { ...itemKey(uid, put.key), [version]: number(1), [value]: { B: packValue(put.value) }, ...expiry(put.expires) },
        ConditionExpression: `attribute_not_exists(${key})`,
        ReturnValuesOnConditionCheckFailure: "ALL_OLD",
      }),
    );
    return 1;
  }

  async #replace(uid: string, put: CellPut, when: Exclude<CellPut["when"], "absent">): Promise<number> {
    const { Attributes: changed = {} } = await this.#clients.single.send(
      new UpdateItemCommand({ TableName: this.#table, Key: itemKey(uid, put.key), ...replacement(put, when) }),
    );
    return numberOf(changed, version);
  }
}

type Replacement = Omit<UpdateItemCommandInput, "TableName" | "Key">;

function replacement(put: CellPut, when: Exclude<CellPut["when"], "absent">): Replacement {
  const set = `SET ${version} = ${version} + :one, ${value} = :value`;
  const [lasts, tidy] = [expires, timeToLive];
  const until = expiry(put.expires);
  const condition = "version" in when ? `${version} = :is` : `${expires} <= :is`;
  return {
    UpdateExpression:
      put.expires === undefined ? `${set} REMOVE ${lasts}, ${tidy}` : `${set}, ${lasts} = :expires, ${tidy} = :timeToLive`,
    ConditionExpression: condition,
    ExpressionAttributeValues: {
      ":one": number(1),
      ":value": { B: packValue(put.value) },
      ":is": number("version" in when ? when.version : when.expiredAt),
      ...(until[lasts] && until[tidy] && { ":expires": until[lasts], ":timeToLive": until[tidy] }),
    },
    ReturnValues: "UPDATED_NEW",
    ReturnValuesOnConditionCheckFailure: "ALL_OLD",
  };
}

const itemKey = (uid: string, name: string): Item => ({ [cluster]: { S: uid }, [key]: { S: cellKey(name) } });

const expiry = (at: number | undefined): Item =>
  at === undefined ? {} : { [expires]: number(at), [timeToLive]: number(Math.ceil((at + tidyAfterMs) / 1000)) };

const newCell = ({ key, value, expires }: CellPut, version: number): Cell => ({
  key,
  version,
  value,
  ...(expires !== undefined && { expires }),
});

function cellOf(item: Item): Cell {
  return {
    key: plainKey(stringOf(item, key)),
    version: numberOf(item, version),
    value: unpackValue(bytesOf(item, value)),
    ...(item[expires] && { expires: numberOf(item, expires) }),
  };
}
