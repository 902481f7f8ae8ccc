/** Judges constraints on a node, as swarmkit does: without regard to case, and a label that a node lacks counts as "". */
import { BlockList, isIP } from "node:net";
import type { Constraint } from "../../kinds/constraint.ts";
import type { Node } from "../../kinds/node.ts";

const nodeLabel = "node.labels.";
const engineLabel = "engine.labels.";

export const meetsAll = (node: Node, constraints: readonly Constraint[]): boolean =>
  constraints.every((constraint) => meets(node, constraint));

export function meets(node: Node, { key, operator, value }: Constraint): boolean {
  const isMatch = key === "node.ip" ? hasAddress(node, value) : attributeOf(node, key).toLowerCase() === value.toLowerCase();
  return isMatch === (operator === "==");
}

/** What a node has under a constraint's key, or that of a preference; "" where it has nothing. */
export function attributeOf({ metadata, spec, status }: Node, key: string): string {
  if (key.startsWith(nodeLabel)) return own(metadata.labels, key.slice(nodeLabel.length));
  if (key.startsWith(engineLabel)) return own(status?.engine?.labels, key.slice(engineLabel.length));
  switch (key) {
    case "node.id":
      return metadata.uid;
    case "node.name":
      return metadata.name;
    case "node.hostname":
      return status?.engine?.hostname ?? "";
    case "node.role":
      return spec.role;
    case "node.platform.os":
      return status?.engine?.platform?.os ?? "";
    case "node.platform.arch":
      return normalArchitecture(status?.engine?.platform?.architecture ?? "");
    default:
      return "";
  }
}

/** swarmkit's: engines say x86_64 where images say amd64. */
export function normalArchitecture(architecture: string): string {
  switch (architecture.toLowerCase()) {
    case "x86_64":
      return "amd64";
    case "aarch64":
      return "arm64";
    default:
      return architecture.toLowerCase();
  }
}

function own(labels: Readonly<Record<string, string>> | undefined, name: string): string {
  return labels !== undefined && Object.hasOwn(labels, name) ? (labels[name] ?? "") : "";
}

/** `wanted`: an address or a subnet. Only a node whose address is given as numbers has one. */
function hasAddress({ spec }: Node, wanted: string): boolean {
  const host = URL.canParse(spec.address) ? new URL(spec.address).hostname.replace(/^\[|\]$/g, "") : "";
  const family = isIP(host);
  const [network = "", prefix] = wanted.split("/");
  if (family === 0 || isIP(network) !== family) return false;
  const bits = prefix === undefined ? fullPrefix(family) : Number(prefix);
  if (!Number.isInteger(bits) || bits < 0 || bits > fullPrefix(family)) return false;
  const type = family === 4 ? "ipv4" : "ipv6";
  const list = new BlockList();
  list.addSubnet(network, bits, type);
  return list.check(host, type);
}

const fullPrefix = (family: number): number => (family === 4 ? 32 : 128);
