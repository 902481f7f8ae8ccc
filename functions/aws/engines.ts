/** How functions come to the engines of nodes, and to the secrets that these need. What is heavy is loaded when the first is opened. */
import type { Clock } from "../../shared/base/clock.ts";
import { once } from "../../shared/base/once.ts";
import type { OpenEngine } from "../../shared/fleet/nodes/engines.ts";
import { keepFor, type SecretResolver } from "../../shared/fleet/secrets/resolver.ts";
import { listVariable, wordVariable } from "./environment.ts";
import { NodeAddresses } from "./node-addresses.ts";

/** Names of secrets begin with the first; the second names subnets that are spoken to though they are the host's own. */
export const engineVariables = { WINDLASS_SECRETS: wordVariable, WINDLASS_NODE_CIDRS: listVariable };

type Settings = { readonly WINDLASS_SECRETS: string; readonly WINDLASS_NODE_CIDRS: readonly string[] };

/** How late a rotated secret is noticed: each request to an engine asks for it. */
const keepMs = 60_000;

export function openNodeEngine({ WINDLASS_NODE_CIDRS }: Pick<Settings, "WINDLASS_NODE_CIDRS">): OpenEngine {
  const addresses = new NodeAddresses(WINDLASS_NODE_CIDRS);
  return async (options) => {
    addresses.check(options.address);
    const { openDockerEngine } = await import("../../shared/fleet/docker/open.ts");
    return openDockerEngine({ ...options, lookup: addresses.lookup });
  };
}

export function stackSecrets({ WINDLASS_SECRETS }: Pick<Settings, "WINDLASS_SECRETS">, clock: Clock): SecretResolver {
  const opened = once(async () => {
    const { managedSecrets } = await import("./secret-resolver.ts");
    return managedSecrets(WINDLASS_SECRETS);
  });
  const resolver: SecretResolver = { resolve: async (name) => (await opened()).resolve(name) };
  return keepFor(resolver, { clock, keepMs });
}
