/**
 * Callers known by IAM: API Gateway has checked their signature and says their ARN in the event. It takes the Authorization header, so
 * the ARN is handed on in that header's place, in a scheme that no client's header is let through with.
 */
import * as z from "zod";
import { type Authenticator, type Grant, roles, rootScope } from "../../shared/access/access.ts";

export const iamRules = z
  .array(
    z.object({
      /** `*` stands for any characters. */
      arn: z.string().min(1).max(2_048),
      role: z.enum(roles),
      /** Absent: the root, whose admin is admin everywhere. */
      cluster: z.string().min(1).max(253).optional(),
    }),
  )
  .min(1)
  .max(1_000);

export type IamRule = z.output<typeof iamRules>[number];

const scheme = "Windlass-IAM ";
const assumedForm = /^arn:([^:]+):sts::(\d+):assumed-role\/([^/]+)\/.+$/;

/** The header that tells the caller's ARN; undefined where the gateway says none. What the client sent does not count. */
export const iamAuthorization = (userArn: string | null | undefined): string | undefined =>
  userArn ? scheme + userArn : undefined;

/** What an ARN may: what all rules say together that name it, or the role it was assumed from. */
export class IamAuthenticator implements Authenticator {
  readonly #rules: readonly (IamRule & { readonly form: RegExp })[];
  readonly #uidOf: (cluster: string) => Promise<string | undefined>;

  constructor(rules: readonly IamRule[], uidOf: (cluster: string) => Promise<string | undefined>) {
    this.#rules = rules.map((rule) => ({ ...rule, form: formOf(rule.arn) }));
    this.#uidOf = uidOf;
  }

  async authenticate(authorization: string | undefined) {
    if (!authorization?.startsWith(scheme)) return undefined;
    const arn = authorization.slice(scheme.length);
    const names = [arn, roleOf(arn)].filter((name) => name !== undefined);
    const rules = this.#rules.filter(({ form }) => names.some((name) => form.test(name)));
    const grants = (await Promise.all(rules.map((rule) => this.#grantOf(rule)))).filter((grant) => grant !== undefined);
    const [first, ...more] = grants;
    return first && { name: arn, ...first, ...(more.length > 0 && { more }) };
  }

  async #grantOf({ role, cluster }: IamRule): Promise<Grant | undefined> {
    const clusterUid = cluster === undefined ? rootScope : await this.#uidOf(cluster);
    return clusterUid === undefined ? undefined : { role, clusterUid };
  }
}

/** A session's ARN does not tell the role's path, so neither does this. */
function roleOf(arn: string): string | undefined {
  const [, partition, account, name] = assumedForm.exec(arn) ?? [];
  return name === undefined ? undefined : `arn:${partition}:iam::${account}:role/${name}`;
}

const formOf = (pattern: string): RegExp =>
  new RegExp(
    `^${pattern
      .split(/\*+/)
      .map((part) => part.replace(/[.+?^${}()|[\]\\]/g, "\\$&"))
      .join(".*")}$`,
    "s",
  );
