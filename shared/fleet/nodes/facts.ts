/** What an engine says of itself, as a node's status holds it. Engines are foreign: what is too long or makes no sense is left out. */
import type { NodeStatus } from "../../kinds/node.ts";
import type { EngineInfo } from "../engine.ts";

export type EngineFacts = NonNullable<NodeStatus["engine"]>;

/** Of a label and of every other text. */
const charactersMax = 256;
const labelsMax = 64;

export function factsOf(info: EngineInfo): EngineFacts {
  const id = textOf(info.ID);
  const version = textOf(info.ServerVersion);
  const hostname = textOf(info.Name);
  const dataRoot = textOf(info["DockerRootDir"]);
  const [os, architecture] = [textOf(info.OSType), textOf(info.Architecture)];
  const [cpus, memory] = [positive(info.NCPU), positive(info.MemTotal)];
  const labels = Array.isArray(info.Labels) ? labelsOf(info.Labels) : {};
  return {
    ...(id && { id }),
    ...(version && { version }),
    ...(dataRoot && { dataRoot }),
    ...(hostname && { hostname }),
    ...((os || architecture) && { platform: { ...(os && { os }), ...(architecture && { architecture }) } }),
    ...((cpus || memory) && { resources: { ...(cpus && { cpus }), ...(memory && { memory: Math.floor(memory) }) } }),
    ...(Object.keys(labels).length > 0 && { labels }),
  };
}

/** `key=value`, in the order of their keys: engines give them in any. */
function labelsOf(labels: readonly string[]): Readonly<Record<string, string>> {
  const pairs = labels
    .filter((label) => typeof label === "string" && label.length <= charactersMax && label !== "")
    .map((label) => {
      const equals = label.indexOf("=");
      return equals === -1 ? [label, ""] : [label.slice(0, equals), label.slice(equals + 1)];
    });
  // No object may have a key __proto__ (kinds/body.ts).
  const fit = pairs.filter(([key]) => key !== "__proto__");
  return Object.fromEntries(fit.sort(([one = ""], [other = ""]) => (one < other ? -1 : 1)).slice(0, labelsMax));
}

/** undefined: none, or none to be believed. */
const textOf = (value: unknown): string | undefined =>
  typeof value === "string" && value !== "" ? value.slice(0, charactersMax) : undefined;
const positive = (value: unknown): number | undefined =>
  typeof value === "number" && value > 0 && value <= Number.MAX_SAFE_INTEGER ? value : undefined;
