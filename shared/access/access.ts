/**
 * Who asks, and whether they may. Everything is denied unless a line here allows it, and neither answer depends on what exists:
 * an Authenticator says the same of a token that is missing, malformed, unknown, expired or revoked, and `allowed` judges by
 * the principal, the cluster's uid and the verb alone. tokens.ts holds the static tokens, oidc.ts those of an identity provider;
 * firstOf joins them.
 */

/** viewer: reads objects; editor: writes them, too; admin: everything, the Docker API and tokens included. */
export const roles = ["viewer", "editor", "admin"] as const;
export type Role = (typeof roles)[number];

/** The scope of the root log, where clusters and tokens live. No cluster's uid is this word: uids are UUIDs. */
export const rootScope = "root";

export type Grant = {
  readonly role: Role;
  /** The one cluster that the role is for, or rootScope. */
  readonly clusterUid: string;
};

/** What a static token grants is one role in one place; `more` is what an identity provider's groups grant beside that. */
export type Principal = Grant & {
  /** Entries and events carry it as their actor. */
  readonly name: string;
  readonly more?: readonly Grant[];
  /** Milliseconds since 1970; absent: never. What it opened (a watch, a stream) ends then. */
  readonly expires?: number;
};

/**
 * From the `Authorization` header to who sent it. undefined: not someone this authenticator knows, for whatever reason. Rejects
 * only when it could not find out (its store or its issuer does not answer): that is 503, not 401.
 */
export interface Authenticator {
  authenticate(authorization: string | undefined): Promise<Principal | undefined>;
}

/** Kubernetes' verbs on objects; `administer` stands for all else: the Docker API, tokens, export and import. */
export const verbs = ["get", "list", "watch", "create", "update", "patch", "delete", "deletecollection", "administer"] as const;
export type Verb = (typeof verbs)[number];

const viewerVerbs: ReadonlySet<Verb> = new Set<Verb>(["get", "list", "watch"]);
const editorVerbs: ReadonlySet<Verb> = new Set<Verb>([...viewerVerbs, "create", "update", "patch", "delete", "deletecollection"]);
/** RFC 6750 section 2.1: the scheme, in any case, one space or more, and a b64token. */
const bearerForm = /^bearer +([A-Za-z0-9\-._~+/]+=*) *$/i;
/** Longer credentials are refused unread. An OIDC token with many groups has some KB; Node takes 16 KB of headers. */
export const credentialLengthMax = 8_192;

/** The bearer token in an `Authorization` header; undefined when there is none or the header has another form. */
export function bearerToken(authorization: string | undefined): string | undefined {
  if (authorization === undefined || authorization.length > credentialLengthMax) return undefined;
  return bearerForm.exec(authorization)?.[1];
}

/** Asks `authenticators` in their order; the first that knows the caller answers. */
export function firstOf(authenticators: readonly Authenticator[]): Authenticator {
  return {
    async authenticate(authorization) {
      for (const authenticator of authenticators) {
        const principal = await authenticator.authenticate(authorization);
        if (principal !== undefined) return principal;
      }
      return undefined;
    },
  };
}

/**
 * Whether `principal` may do `verb` in the cluster of `clusterUid` (rootScope: in the root log). undefined: a cluster name that
 * leads nowhere; it is denied to all but the root's admin, so that "forbidden" tells nobody which clusters there are.
 */
export function allowed(principal: Principal, clusterUid: string | undefined, verb: Verb): boolean {
  if (grants(principal, clusterUid, verb)) return true;
  return principal.more?.some((grant) => grants(grant, clusterUid, verb)) ?? false;
}

function grants({ role, clusterUid }: Grant, wantedUid: string | undefined, verb: Verb): boolean {
  if (clusterUid === rootScope && role === "admin") return true;
  if (clusterUid !== wantedUid) return false;
  switch (role) {
    case "viewer":
      return viewerVerbs.has(verb);
    case "editor":
      return editorVerbs.has(verb);
    case "admin":
      return true;
    default:
      return role satisfies never;
  }
}

/**
 * Whether what `principal` holds is over at `now`, in milliseconds since 1970. A token is no longer good in its last
 * millisecond.
 */
export function isExpired(principal: Pick<Principal, "expires">, now: number): boolean {
  return principal.expires !== undefined && principal.expires <= now;
}
