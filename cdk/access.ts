/** Who may call the API of a deployment, as its properties say it, and as its function reads it from the environment. */

export type Role = "viewer" | "editor" | "admin";

/** What a caller of IAM may. */
export type IamRole = {
  /** The caller's role or user; `*` stands for any characters. `arn:aws:iam::123456789012:role/ops-*` */
  readonly arn: string;
  readonly role: Role;
  /** The cluster's name. Absent: the root, whose admin is admin everywhere. */
  readonly cluster?: string;
};

/** An OpenID Connect provider whose tokens are taken beside Windlass's own. */
export type Oidc = {
  /** As in `iss`, exactly: an https URL. */
  readonly issuer: string;
  /** 1 to 20; one of them must be in `aud`. */
  readonly audiences: readonly string[];
  /** Whose value is the user's name. Default: `sub`. */
  readonly usernameClaim?: string;
  /** What stands before that name, so that nobody is taken for a static token's holder. Default: `oidc:`. */
  readonly usernamePrefix?: string;
  /** A list of groups, or one. Default: `groups`. */
  readonly groupsClaim?: string;
  /** What a group's members may; without `cluster` in the root. At least one. */
  readonly roles: readonly { readonly group: string; readonly role: Role; readonly cluster?: string }[];
};

export type AccessProps = {
  /** Addresses that may call the API: `203.0.113.0/24`. Default: any. */
  readonly allowedCidrs?: readonly string[];
  /**
   * Callers sign with SigV4 and are known by their ARN, instead of by bearer tokens: both need the Authorization header, so it is the one
   * or the other. kubectl needs a signing proxy then. Default: bearer tokens.
   */
  readonly iamRoles?: readonly IamRole[];
  /** Default: static tokens only. */
  readonly oidc?: Oidc;
};

export type ApiAccess = {
  readonly usesIam: boolean;
  readonly allowedCidrs: readonly string[] | undefined;
  readonly environment: Readonly<Record<string, string>>;
};

const cidrForm = /^(\d{1,3}(\.\d{1,3}){3}\/\d{1,2}|[0-9a-fA-F:]+\/\d{1,3})$/;

/** @throws Error when a value can't be meant, before anything is deployed. */
export function apiAccess({ allowedCidrs, iamRoles, oidc }: AccessProps): ApiAccess {
  const wrong = allowedCidrs?.find((cidr) => !cidrForm.test(cidr));
  if (wrong !== undefined) throw new Error(`${JSON.stringify(wrong)} is not a CIDR such as 203.0.113.0/24`);
  if (allowedCidrs?.length === 0) throw new Error("allowedCidrs names no address: nobody could call the API");
  if (iamRoles?.length === 0) throw new Error("iamRoles names nobody: nobody could call the API");
  if (iamRoles !== undefined && oidc !== undefined)
    throw new Error("with iamRoles there are no bearer tokens, so no oidc either");
  return {
    usesIam: iamRoles !== undefined,
    allowedCidrs,
    environment: {
      ...(iamRoles !== undefined && { WINDLASS_IAM: JSON.stringify(iamRoles) }),
      ...(oidc !== undefined && { WINDLASS_OIDC: JSON.stringify({ ...oidcDefaults, ...oidc }) }),
    },
  };
}

const oidcDefaults = { usernameClaim: "sub", usernamePrefix: "oidc:", groupsClaim: "groups" };
