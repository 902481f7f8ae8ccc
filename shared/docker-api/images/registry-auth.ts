/** Credentials as clients send them: base64url of JSON, for the length of one call, never logged or kept. */
import { isJsonObject, type JsonObject } from "../../base/json.ts";
import type { RegistryAuth } from "../../fleet/engine/transfers.ts";
import type { Call } from "../call.ts";
import { badParameter } from "../errors.ts";

/** Of `X-Registry-Auth`; undefined: none, or nothing in it. @throws DockerError 400 */
export function registryAuth({ request }: Call): RegistryAuth | undefined {
  const value = credentials("X-Registry-Auth", request.header("x-registry-auth"));
  return value === undefined || Object.values(value).every((part) => part === "") ? undefined : (value as RegistryAuth);
}

/** Of `X-Registry-Config`: by the registry's address. @throws DockerError 400 */
export function registryConfig({ request }: Call): Readonly<Record<string, RegistryAuth>> | undefined {
  return credentials("X-Registry-Config", request.header("x-registry-config")) as
    | Readonly<Record<string, RegistryAuth>>
    | undefined;
}

function credentials(name: string, text: string | undefined): JsonObject | undefined {
  if (text === undefined || text === "" || text === "null") return undefined;
  let value: unknown;
  try {
    value = JSON.parse(Buffer.from(text, "base64").toString());
  } catch {
    throw badParameter(`invalid ${name} header: it is no JSON in base64`);
  }
  if (value === null) return undefined;
  if (!isJsonObject(value)) throw badParameter(`invalid ${name} header: it is no object`);
  return value;
}
