/** What a caller may say of a container that is to be made, and the bounds on it. */
import type { Container } from "../../kinds/container.ts";
import type { Node } from "../../kinds/node.ts";
import type { ContainerCreate } from "../engine/containers.ts";
import type { ProgressRow, RegistryAuth } from "../engine/transfers.ts";
import { InvalidOptionError } from "./errors.ts";
import { checkedName } from "./names.ts";
import type { PullMode } from "./pull.ts";

export type CreateContainerOptions = {
  /** What people call it, unique in the cluster. Absent: one is made up. */
  readonly name?: string;
  /** Of its object. Default: default. */
  readonly namespace?: string;
  readonly body: ContainerCreate;
  readonly platform?: string;
  /** Names or addresses: one of them, without a second try and without the scheduler. Absent or empty: the scheduler chooses. */
  readonly nodes?: readonly string[];
  /** Names of nodes among which the scheduler chooses; absent: all that are enabled. */
  readonly among?: readonly string[];
  /** For the scheduler alone. */
  readonly schedulerOptions?: unknown;
  /** always (default): as the source; a failure counts only where the image has a registry. missing: where the node has it not. */
  readonly pull?: PullMode;
  /** For this pull only; never kept. */
  readonly auth?: RegistryAuth;
  readonly pullSecretRef?: { readonly name: string };
  /** Milliseconds that a pull may be silent, and that the engine may take to create. Absent: ten minutes, and two. */
  readonly inactivityMs?: number;
  /** Of a pull's progress; awaited. */
  readonly onRow?: (nodeName: string, row: ProgressRow) => void | Promise<void>;
  /** Who does it, for the store's entries. */
  readonly actor?: string;
  readonly signal?: AbortSignal;
};

/** `warnings`: what the engine said of the body. */
export type Created = { readonly container: Container; readonly node: Node; readonly warnings: readonly string[] };

/** An hour: what is longer is a mistake, or never ends. */
const inactivityMsMax = 3_600_000;
/** As many as a fleet may have. */
const nodesMax = 10_000;
/** Of a Container's spec.image. */
const imageCharactersMax = 1_024;

/** As they hold. @throws InvalidOptionError */
export function checkedOptions(options: CreateContainerOptions): CreateContainerOptions {
  const { body, name, inactivityMs, nodes = [] } = options;
  const { length } = body.Image ?? "";
  if (length === 0 || length > imageCharactersMax)
    throw new InvalidOptionError("body.Image", `has ${length} characters; 1 to ${imageCharactersMax}`);
  if (nodes.length > nodesMax) throw new InvalidOptionError("nodes", `has ${nodes.length} items; at most ${nodesMax}`);
  if (inactivityMs !== undefined && !(inactivityMs > 0 && inactivityMs <= inactivityMsMax))
    throw new InvalidOptionError("inactivityMs", `is ${inactivityMs}; must be over 0 and at most ${inactivityMsMax}`);
  return name === undefined ? options : { ...options, name: checkedName(name) };
}
