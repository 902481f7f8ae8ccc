/** Secrets of a test: those of a map, which may change at any time, and no others. */
import { NoSuchSecretError, type Secret, type SecretResolver } from "../../shared/fleet/secrets/resolver.ts";

export const mapSecrets = (secrets: ReadonlyMap<string, Secret>): SecretResolver => ({
  resolve: async (name) => secrets.get(name) ?? Promise.reject(new NoSuchSecretError(name)),
});

export const noSecrets = mapSecrets(new Map());
