/** The variables of functions/api. */
import * as z from "zod";
import { roles } from "../../shared/access/access.ts";
import { isTrusted } from "../../shared/access/oidc-keys.ts";
import { engineVariables } from "../aws/engines.ts";
import { type Environment, jsonVariable, readEnvironment, tableVariables } from "../aws/environment.ts";
import { iamRules } from "./iam.ts";

const text = z.string().min(1).max(1_024);

/** As the embedded host takes it by its flags. */
const oidcConfig = z.object({
  issuer: z.string().refine(isTrusted, "an https URL"),
  audiences: z.array(text).min(1).max(20),
  usernameClaim: text.default("sub"),
  usernamePrefix: z.string().max(100).default("oidc:"),
  groupsClaim: text.default("groups"),
  roles: z
    .array(
      z
        .object({ group: z.string().min(1).max(256), role: z.enum(roles), cluster: z.string().min(1).max(253).optional() })
        .transform(({ cluster, ...rest }) => ({ ...rest, ...(cluster !== undefined && { cluster }) })),
    )
    .min(1)
    .max(1_000),
});

const variables = {
  ...tableVariables,
  ...engineVariables,
  WINDLASS_TRANSPORT: z.enum(["stream", "buffer"]),
  WINDLASS_IAM: jsonVariable(iamRules),
  WINDLASS_OIDC: jsonVariable(oidcConfig),
};

export type ApiSettings = ReturnType<typeof readSettings>;

/** @throws EnvironmentError */
export const readSettings = (environment: Environment) => readEnvironment(variables, environment);
