/** How functions come to Docker hosts: which secrets they may read for it, and which addresses they speak to. */
import { ArnFormat, Stack, Validations } from "aws-cdk-lib";
import { PolicyStatement } from "aws-cdk-lib/aws-iam";
import type { Handler } from "./handler.ts";

export type NodeAccessProps = {
  /**
   * Secrets of Secrets Manager that nodes and services may name begin with it: `tls: {secretRef: {name: node-a}}` is `windlass/node-a`, a
   * JSON object of strings (`ca`, `cert`, `key`; `username`, `password`). They must be encrypted with the account's own key
   * `aws/secretsmanager`, or the functions be allowed to use another. Default: `windlass/`.
   */
  readonly secretsPrefix?: string;
  /**
   * Subnets of nodes that are spoken to though they are loopback, link-local or metadata addresses. Default: none.
   */
  readonly nodeCidrs?: readonly string[];
};

export type NodeAccess = {
  readonly secretsPrefix: string;
  readonly environment: Readonly<Record<string, string>>;
};

/** Secrets Manager: what a secret's name may hold. Without the slash a name of somebody else's could begin with it. */
const prefixForm = /^[A-Za-z0-9/_+=.@-]{1,128}\/$/;
const cidrForm = /^(\d{1,3}(\.\d{1,3}){3}\/\d{1,2}|[0-9a-fA-F:]+\/\d{1,3})$/;

/** @throws Error when a value can't be meant, before anything is deployed. */
export function nodeAccess({ secretsPrefix = "windlass/", nodeCidrs = [] }: NodeAccessProps): NodeAccess {
  if (!prefixForm.test(secretsPrefix))
    throw new Error(`secretsPrefix is ${JSON.stringify(secretsPrefix)}; it must end with a slash, like windlass/`);
  const wrong = nodeCidrs.find((cidr) => !cidrForm.test(cidr));
  if (wrong !== undefined) throw new Error(`${JSON.stringify(wrong)} is not a CIDR such as 127.0.0.0/8`);
  return {
    secretsPrefix,
    environment: {
      WINDLASS_SECRETS: secretsPrefix,
      ...(nodeCidrs.length > 0 && { WINDLASS_NODE_CIDRS: nodeCidrs.join(",") }),
    },
  };
}

/** Lets the function read the secrets that its environment tells it of. */
export function useNodes(handler: Handler, { secretsPrefix }: NodeAccess): void {
  const secrets = Stack.of(handler).formatArn({
    service: "secretsmanager",
    resource: "secret",
    resourceName: `${secretsPrefix}*`,
    arnFormat: ArnFormat.COLON_RESOURCE_NAME,
  });
  handler.function.addToRolePolicy(new PolicyStatement({ actions: ["secretsmanager:GetSecretValue"], resources: [secrets] }));
  Validations.of(handler).acknowledge({
    id: `AwsSolutions-IAM5[Resource::arn:<AWS::Partition>:secretsmanager:<AWS::Region>:<AWS::AccountId>:secret:${secretsPrefix}*]`,
    reason: "nodes and services name their secrets; what they may name begins with the deployment's own prefix",
  });
}
