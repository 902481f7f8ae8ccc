/** Secrets in AWS Secrets Manager: `<prefix><name>` holds a JSON object of strings. */
import { GetSecretValueCommand, ResourceNotFoundException, SecretsManagerClient } from "@aws-sdk/client-secrets-manager";
import { fieldsOf, NoSuchSecretError, type SecretResolver, SecretUnreadableError } from "../../shared/fleet/secrets/resolver.ts";

/** `prefix`: what the function may read begins with it, like `windlass/`. */
export function managedSecrets(prefix: string, client = new SecretsManagerClient({})): SecretResolver {
  return {
    async resolve(name) {
      const text = await read(client, prefix + name, name);
      return fieldsOf(name, text);
    },
  };
}

async function read(client: SecretsManagerClient, id: string, name: string): Promise<string> {
  try {
    const { SecretString } = await client.send(new GetSecretValueCommand({ SecretId: id }));
    if (SecretString !== undefined) return SecretString;
  } catch (error) {
    if (error instanceof ResourceNotFoundException) throw new NoSuchSecretError(name);
    throw new SecretUnreadableError(name, error instanceof Error ? error.name : "Secrets Manager failed", error);
  }
  throw new SecretUnreadableError(name, "it holds bytes, not text");
}
