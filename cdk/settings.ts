/**
 * What `cdk deploy -c name=value` may say of the stack Windlass. With AWS_ENDPOINT_URL set it goes to LocalStack, which buffers answers,
 * runs functions on this machine's processor, and is thrown away: so those are the defaults then. Its nodes stand on this machine, too.
 */
import { RemovalPolicy } from "aws-cdk-lib";
import { Architecture } from "aws-cdk-lib/aws-lambda";
import type { ControlPlaneProps } from "./control-plane.ts";

/** Each with what it may be. The first is the default on AWS. */
const contexts = {
  transport: ["stream", "buffer"],
  architecture: ["arm64", "x86_64"],
  /** Of the tables: `destroy` also takes their protection off. */
  removal: ["retain", "destroy"],
  reserveConcurrency: ["true", "false"],
  /** Whether nodes and tasks are looked after. */
  fleet: ["on", "off"],
} as const;

type Contexts = { readonly [Name in keyof typeof contexts]: (typeof contexts)[Name][number] };

/** What `settingsOf` is told: `node.tryGetContext` of the app, and the machine. */
export type Surroundings = {
  readonly context: (name: string) => unknown;
  /** AWS_ENDPOINT_URL; undefined or empty: AWS itself. */
  readonly endpoint: string | undefined;
  /** As process.arch. */
  readonly processor: string;
};

/** @throws Error when a value is none of those that are allowed. */
export function settingsOf(surroundings: Surroundings): ControlPlaneProps {
  const { transport, architecture, removal, reserveConcurrency, fleet } = contextsOf(surroundings);
  return {
    transport,
    nodeCidrs: nodeCidrsOf(surroundings),
    architecture: architecture === "arm64" ? Architecture.ARM_64 : Architecture.X86_64,
    removalPolicy: removal === "retain" ? RemovalPolicy.RETAIN : RemovalPolicy.DESTROY,
    deletionProtection: removal === "retain",
    reserveConcurrency: reserveConcurrency === "true",
    fleet: fleet === "on",
  };
}

/** `-c nodeCidrs=127.0.0.0/8,fd00::/8`; "" is none. */
function nodeCidrsOf({ context, endpoint }: Surroundings): readonly string[] {
  const given = context("nodeCidrs") ?? (isLocal(endpoint) ? "127.0.0.0/8" : "");
  return String(given)
    .split(",")
    .filter((cidr) => cidr !== "");
}

const isLocal = (endpoint: string | undefined): boolean => endpoint !== undefined && endpoint !== "";

function contextsOf({ context, endpoint, processor }: Surroundings): Contexts {
  const local: Contexts = {
    transport: "buffer",
    architecture: processor === "arm64" ? "arm64" : "x86_64",
    removal: "destroy",
    reserveConcurrency: "true",
    fleet: "on",
  };
  const chosen = <Name extends keyof Contexts>(name: Name): Contexts[Name] => {
    const allowed: readonly string[] = contexts[name];
    const value = context(name) ?? (isLocal(endpoint) ? local[name] : allowed[0]);
    const found = allowed.find((one): one is Contexts[Name] => one === String(value));
    if (found === undefined) throw new Error(`${name} is ${JSON.stringify(value)}; it must be one of ${allowed.join(", ")}`);
    return found;
  };
  return {
    transport: chosen("transport"),
    architecture: chosen("architecture"),
    removal: chosen("removal"),
    reserveConcurrency: chosen("reserveConcurrency"),
    fleet: chosen("fleet"),
  };
}
