/**
 * What requests to DynamoDB cost: attached to a client, it counts requests and capacity units by operation. Units follow AWS's rules
 * from the sizes of the items that went over the wire, and are held against what the server says they were; DynamoDB Local
 * says nothing for an empty query and for a lost conditional write, which AWS charges.
 */
import type { AttributeValue, ConsumedCapacity, DynamoDBClient, WriteRequest } from "@aws-sdk/client-dynamodb";

export type Cost = { readonly requests: number; readonly readUnits: number; readonly writeUnits: number };

/** DynamoDB: a write unit is 1 KB of one item; a read unit 4 KB, of all items of a query together; half when eventually consistent. */
const writeUnitBytes = 1024;
const readUnitBytes = 4096;

type Item = Readonly<Record<string, AttributeValue>>;
/** What the operations here have of these; the SDK checks their types where they are made. */
type Input = {
  readonly Item?: Item;
  readonly ConsistentRead?: boolean;
  readonly ConditionExpression?: string;
  readonly ProjectionExpression?: string;
  readonly RequestItems?: Readonly<Record<string, readonly WriteRequest[]>>;
  readonly ReturnConsumedCapacity?: string;
};
type Output = {
  readonly Item?: Item;
  readonly Items?: readonly Item[];
  readonly ConsumedCapacity?: ConsumedCapacity | readonly ConsumedCapacity[];
};
/** exact: all that is charged for was seen, so the server must say the same; otherwise at least so much. */
type Estimate = { readonly kind: "read" | "write"; readonly units: number; readonly exact: boolean };

const none: Cost = { requests: 0, readUnits: 0, writeUnits: 0 };

export class DynamoMeter {
  /** Where our arithmetic and the server's differ; empty if all is well. */
  readonly differences: string[] = [];
  readonly #costs = new Map<string, Cost>();

  /** Counts what `client` sends from now on; tries that the SDK makes by itself are requests, too. */
  attach(client: DynamoDBClient): void {
    client.middlewareStack.add(
      (next, context) => (args) => {
        this.#add(operationOf(context), { requests: 1 });
        return next(args);
      },
      { step: "finalizeRequest", priority: "low", name: "countRequests" },
    );
    client.middlewareStack.add(
      (next, context) => async (args) => {
        const input = args.input as Input;
        const operation = operationOf(context);
        try {
          const result = await next({ ...args, input: { ...args.input, ReturnConsumedCapacity: "TOTAL" } });
          this.#charge(operation, estimate(operation, input, result.output as Output), reported(result.output as Output));
          return result;
        } catch (error) {
          if (isConditionFailed(error)) this.#charge(operation, lostWrite(input, error.Item), undefined);
          throw error;
        }
      },
      { step: "initialize", name: "chargeUnits" },
    );
  }

  /** Costs since the last call, by operation (`PutItem`). */
  take(): Readonly<Record<string, Cost>> {
    const costs = Object.fromEntries(this.#costs);
    this.#costs.clear();
    return costs;
  }

  #charge(operation: string, { kind, units, exact }: Estimate, said: number | undefined): void {
    const agrees = said === undefined || said === 0 || (exact ? said === units : said >= units);
    if (!agrees) this.differences.push(`${operation}: ${units} ${kind} units by the rules, ${said} by the server`);
    const charged = Math.max(units, said ?? 0);
    this.#add(operation, kind === "read" ? { readUnits: charged } : { writeUnits: charged });
  }

  #add(operation: string, more: Partial<Cost>): void {
    const { requests, readUnits, writeUnits } = this.#costs.get(operation) ?? none;
    this.#costs.set(operation, {
      requests: requests + (more.requests ?? 0),
      readUnits: readUnits + (more.readUnits ?? 0),
      writeUnits: writeUnits + (more.writeUnits ?? 0),
    });
  }
}

/** The sum over all operations. */
export function totalCost(costs: Readonly<Record<string, Cost>>): Cost {
  return Object.values(costs).reduce(
    (sum, cost) => ({
      requests: sum.requests + cost.requests,
      readUnits: sum.readUnits + cost.readUnits,
      writeUnits: sum.writeUnits + cost.writeUnits,
    }),
    none,
  );
}

/** DynamoDB developer guide, "DynamoDB item sizes and formats": names and values. */
function itemBytes(item: Item): number {
  return Object.entries(item).reduce((sum, [name, value]) => sum + Buffer.byteLength(name) + valueBytes(value), 0);
}

function valueBytes({ S, N, B, L, M }: AttributeValue): number {
  if (S !== undefined) return Buffer.byteLength(S);
  if (N !== undefined) return numberBytes(N);
  if (B !== undefined) return B.length;
  if (L !== undefined) return L.reduce((sum, each) => sum + 1 + valueBytes(each), 3);
  if (M !== undefined) return 3 + Object.keys(M).length + itemBytes(M);
  return 1;
}

/** One byte for two significant digits, one more, and one for a minus. */
function numberBytes(text: string): number {
  const digits = text.replace(/^-|\.|e.*$/gi, "").replace(/^0+|0+$/g, "");
  return Math.ceil(digits.length / 2) + 1 + (text.startsWith("-") ? 1 : 0);
}

function estimate(operation: string, input: Input, output: Output): Estimate {
  switch (operation) {
    case "PutItem":
      return { kind: "write", units: writeUnits(input.Item), exact: isOnlyOverNothing(input) };
    case "GetItem":
      return { kind: "read", units: readUnits(output.Item ? [output.Item] : [], input), exact: true };
    case "Query":
      return { kind: "read", units: readUnits(output.Items ?? [], input), exact: input.ProjectionExpression === undefined };
    case "BatchWriteItem": {
      const requests = Object.values(input.RequestItems ?? {}).flat();
      const units = requests.reduce((sum, { PutRequest }) => sum + writeUnits(PutRequest?.Item), 0);
      return { kind: "write", units, exact: false };
    }
    default:
      return { kind: "write", units: 1, exact: false };
  }
}

/** A lost write costs what the larger of both items would. */
function lostWrite({ Item: item }: Input, there: Item | undefined): Estimate {
  return { kind: "write", units: Math.max(writeUnits(item), writeUnits(there)), exact: false };
}

const isOnlyOverNothing = ({ ConditionExpression: condition }: Input): boolean =>
  condition !== undefined && /^attribute_not_exists\(\w+\)$/.test(condition);

const writeUnits = (item: Item | undefined): number => (item ? Math.max(1, Math.ceil(itemBytes(item) / writeUnitBytes)) : 1);

function readUnits(items: readonly Item[], { ConsistentRead: consistent }: Input): number {
  const bytes = items.reduce((sum, item) => sum + itemBytes(item), 0);
  return Math.max(1, Math.ceil(bytes / readUnitBytes)) * (consistent ? 1 : 0.5);
}

function reported({ ConsumedCapacity: said }: Output): number | undefined {
  if (said === undefined) return undefined;
  return [said].flat().reduce((sum, { CapacityUnits: units }) => sum + (units ?? 0), 0);
}

const operationOf = ({ commandName }: { readonly commandName?: string }): string => (commandName ?? "").replace(/Command$/, "");

const isConditionFailed = (error: unknown): error is Error & { readonly Item?: Item } =>
  error instanceof Error && error.name === "ConditionalCheckFailedException";
