/**
 * All kinds that a process knows. A room adds a kind by one file that exports its KindDefinition, and the host by one line that
 * puts it into the registry; validation, columns, discovery, OpenAPI and indexes follow from the definition.
 */
import { clusterKind } from "./cluster.ts";
import { containerKind } from "./container.ts";
import type { KindDefinition } from "./definition.ts";
import { imageKind } from "./image.ts";
import { networkKind } from "./network.ts";
import { nodeKind } from "./node.ts";
import { serviceKind } from "./service.ts";
import { taskKind } from "./task.ts";

export type Registry = {
  /** In the order of their plurals. */
  readonly definitions: readonly KindDefinition[];
  /** As in `kind:`. undefined: not known. */
  byKind(kind: string): KindDefinition | undefined;
  /** As in paths. undefined: not known. */
  byPlural(plural: string): KindDefinition | undefined;
  /** The kind of what stands at a key of the log: `services/default/web`. undefined: a later version's kind; skip it. */
  byKey(key: string): KindDefinition | undefined;
};

export const builtinKinds: readonly KindDefinition[] = [
  clusterKind,
  containerKind,
  imageKind,
  networkKind,
  nodeKind,
  serviceKind,
  taskKind,
];

/** @throws Error when two definitions share a kind, or a name that kubectl takes for one. */
export function createRegistry(definitions: readonly KindDefinition[]): Registry {
  const kinds = new Map<string, KindDefinition>();
  const plurals = new Map<string, KindDefinition>();
  const names = new Map<string, string>();
  for (const definition of definitions) {
    const { kind, plural, singular, shortNames } = definition;
    for (const name of new Set([kind.toLowerCase(), plural, singular, ...shortNames])) {
      const holder = names.get(name);
      if (holder !== undefined) throw new Error(`kinds ${holder} and ${kind} are both named ${name}`);
      names.set(name, kind);
    }
    kinds.set(kind, definition);
    plurals.set(plural, definition);
  }
  const ordered = [...definitions].sort((one, other) => (one.plural < other.plural ? -1 : 1));
  return {
    definitions: Object.freeze(ordered),
    byKind: (kind) => kinds.get(kind),
    byPlural: (plural) => plurals.get(plural),
    byKey: (key) => plurals.get(key.split("/", 1)[0] ?? ""),
  };
}
