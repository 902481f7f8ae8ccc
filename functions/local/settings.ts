/** The embedded host's settings: the flag, the variable, the default and the words for each. config.ts reads them. */

export type Field =
  | "port"
  | "host"
  | "data"
  | "secrets"
  | "fleet"
  | "tls-cert"
  | "tls-key"
  | "tls-ca"
  | "oidc-issuer"
  | "oidc-audience"
  | "oidc-username-claim"
  | "oidc-username-prefix"
  | "oidc-groups-claim"
  | "oidc-role";

export type Setting = {
  /** The flag without --, and the name in the file. */
  readonly field: Field;
  readonly variable: string;
  /** undefined: none. */
  readonly preset: string | undefined;
  /** What stands for the value in the help. */
  readonly shown: string;
  readonly about: string;
  /** What a value must be. */
  readonly wanted: string;
  /** Whether the flag may be given several times; in the variable commas part the values. */
  readonly many: boolean;
};

const one = (
  field: Field,
  variable: string,
  preset: string | undefined,
  words: Pick<Setting, "shown" | "about" | "wanted">,
): Setting => ({
  field,
  variable,
  preset,
  many: false,
  ...words,
});

export const settings: readonly Setting[] = [
  one("port", "WINDLASS_PORT", "8350", {
    shown: "port",
    about: "port to listen on; 0 takes a free one",
    wanted: "a whole number from 0 to 65535",
  }),
  one("host", "WINDLASS_HOST", "127.0.0.1", {
    shown: "host",
    about: "name or address to listen on",
    wanted: "a host name, or an IPv4 or IPv6 address without brackets and zone",
  }),
  one("data", "WINDLASS_DATA", ".windlass", {
    shown: "folder",
    about: "folder of the state, keys and certificates",
    wanted: "the path of a folder",
  }),
  one("secrets", "WINDLASS_SECRETS", undefined, {
    shown: "folder",
    about:
      "folder of the secrets that objects name: <name>/ with a file a field, or <name>.json; without it the data folder's secrets/. Else WINDLASS_SECRET_<NAME> has one, as JSON",
    wanted: "the path of a folder",
  }),
  one("fleet", "WINDLASS_FLEET", "on", {
    shown: "on|off",
    about: "off: nobody looks after nodes and tasks from here, as after putting back a backup; requests reach nodes all the same",
    wanted: "on or off",
  }),
  one("tls-cert", "WINDLASS_TLS_CERT", undefined, {
    shown: "file",
    about: "a certificate of one's own, PEM, with what it was signed by",
    wanted: "the path of a file",
  }),
  one("tls-key", "WINDLASS_TLS_KEY", undefined, { shown: "file", about: "its key, PEM", wanted: "the path of a file" }),
  one("tls-ca", "WINDLASS_TLS_CA", undefined, {
    shown: "file",
    about: "the authority that clients need to trust it, PEM, for the kubeconfig",
    wanted: "the path of a file",
  }),
  one("oidc-issuer", "WINDLASS_OIDC_ISSUER", undefined, {
    shown: "url",
    about: "OpenID Connect: whose tokens are taken",
    wanted: "an https URL (http only for this machine)",
  }),
  {
    ...one("oidc-audience", "WINDLASS_OIDC_AUDIENCE", undefined, {
      shown: "name",
      about: "for whom a token must be; may be given several times",
      wanted: "1 to 20 names",
    }),
    many: true,
  },
  one("oidc-username-claim", "WINDLASS_OIDC_USERNAME_CLAIM", "sub", {
    shown: "claim",
    about: "the claim that is the user's name",
    wanted: "a claim's name",
  }),
  one("oidc-username-prefix", "WINDLASS_OIDC_USERNAME_PREFIX", "oidc:", {
    shown: "text",
    about: "what stands before that name",
    wanted: "at most 100 characters",
  }),
  one("oidc-groups-claim", "WINDLASS_OIDC_GROUPS_CLAIM", "groups", {
    shown: "claim",
    about: "the claim that holds the user's groups",
    wanted: "a claim's name",
  }),
  {
    ...one("oidc-role", "WINDLASS_OIDC_ROLE", undefined, {
      shown: "group=role[@cluster]",
      about:
        "what a group may, in a cluster or, without @, in the root, whose admin is admin everywhere; may be given several times",
      wanted: "group=role or group=role@cluster, with the role viewer, editor or admin",
    }),
    many: true,
  },
];
