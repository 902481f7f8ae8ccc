/** Secrets in the environment: `node-key` is the JSON in WINDLASS_SECRET_NODE_KEY. Dots and dashes are both underscores there. */
import { fieldsOf, NoSuchSecretError, type SecretResolver } from "./resolver.ts";

const prefix = "WINDLASS_SECRET_";

export function environmentSecrets(environment: Readonly<Record<string, string | undefined>>): SecretResolver {
  return {
    async resolve(name) {
      const text = environment[prefix + name.toUpperCase().replaceAll(/[.-]/g, "_")];
      if (text === undefined || text === "") throw new NoSuchSecretError(name);
      return fieldsOf(name, text);
    },
  };
}
