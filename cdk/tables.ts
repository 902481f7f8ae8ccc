/**
 * The two tables that hold a deployment's state: Log and Objects. Both are kept when the stack goes, unless it is said otherwise;
 * both are encrypted at rest and can be put back to any second of the last 35 days.
 */
import { RemovalPolicy } from "aws-cdk-lib";
import { AttributeType, BillingMode, StreamViewType, Table, TableEncryption } from "aws-cdk-lib/aws-dynamodb";
import type { IKey } from "aws-cdk-lib/aws-kms";
import { Construct } from "constructs";
import { logTable, objectsTable, type TableDefinition } from "../shared/log/dynamodb/tables.ts";

export type TablesProps = {
  /** Refuses to delete the tables, whoever asks. Default: true. */
  readonly deletionProtection?: boolean;
  /** What becomes of them when the stack is deleted. Default: they stay. */
  readonly removalPolicy?: RemovalPolicy;
  /** A key of yours that encrypts them: a dollar a month and what its calls cost. Default: a key that DynamoDB owns, without charge. */
  readonly encryptionKey?: IKey;
};

export class Tables extends Construct {
  readonly log: Table;
  readonly objects: Table;

  constructor(scope: Construct, id: string, props: TablesProps = {}) {
    super(scope, id);
    this.log = this.#table("Log", logTable, props);
    this.objects = this.#table("Objects", objectsTable, props);
  }

  #table(
    id: string,
    definition: TableDefinition,
    { deletionProtection = true, removalPolicy = RemovalPolicy.RETAIN, encryptionKey }: TablesProps,
  ): Table {
    const { partitionKey, sortKey, stream, timeToLive } = definition;
    return new Table(this, id, {
      partitionKey: { name: partitionKey.name, type: attributeTypes[partitionKey.type] },
      sortKey: { name: sortKey.name, type: attributeTypes[sortKey.type] },
      billingMode: BillingMode.PAY_PER_REQUEST,
      pointInTimeRecoverySpecification: { pointInTimeRecoveryEnabled: true },
      deletionProtection,
      removalPolicy,
      ...(encryptionKey !== undefined && { encryption: TableEncryption.CUSTOMER_MANAGED, encryptionKey }),
      ...(stream !== undefined && { stream: StreamViewType[stream] }),
      ...(timeToLive !== undefined && { timeToLiveAttribute: timeToLive }),
    });
  }
}

const attributeTypes = { S: AttributeType.STRING, N: AttributeType.NUMBER } as const;
