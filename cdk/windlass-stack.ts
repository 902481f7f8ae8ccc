/** The stack that `cdk deploy` installs: so far the tables; the functions come with the serverless deployment. */
import { CfnOutput, Stack, type StackProps } from "aws-cdk-lib";
import type { Construct } from "constructs";
import { Tables, type TablesProps } from "./tables.ts";

export type WindlassStackProps = StackProps & { readonly tables?: TablesProps };

export class WindlassStack extends Stack {
  constructor(scope: Construct, id: string, { tables: tablesProps, ...props }: WindlassStackProps = {}) {
    super(scope, id, props);
    const tables = new Tables(this, "Tables", tablesProps);
    new CfnOutput(this, "LogTable", { value: tables.log.tableName });
    new CfnOutput(this, "ObjectsTable", { value: tables.objects.tableName });
  }
}
