/** The secret that holds the text of the first admin token, for whoever installed the stack to read. */
import {
  GetSecretValueCommand,
  PutSecretValueCommand,
  ResourceNotFoundException,
  SecretsManagerClient,
} from "@aws-sdk/client-secrets-manager";

export interface SecretText {
  /** The secret's ARN. */
  readonly id: string;
  /** undefined: it holds nothing yet. */
  read(): Promise<string | undefined>;
  write(text: string): Promise<void>;
}

export function openSecret(id: string): SecretText {
  const client = new SecretsManagerClient({});
  return {
    id,
    async read() {
      try {
        return (await client.send(new GetSecretValueCommand({ SecretId: id }))).SecretString;
      } catch (error) {
        // Also what a secret without any value answers.
        if (error instanceof ResourceNotFoundException) return undefined;
        throw error;
      }
    },
    async write(text) {
      await client.send(new PutSecretValueCommand({ SecretId: id, SecretString: text }));
    },
  };
}
