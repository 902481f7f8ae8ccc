/** What the simulated clusters hold: two small kinds, a few names, the selections that readers and watchers make of them. */
import { z } from "zod";
import { type KindDefinition, keyOf } from "../../shared/kinds/definition.ts";
import { apiVersion, type ObjectInput, type WindlassObject } from "../../shared/kinds/object.ts";
import { createRegistry } from "../../shared/kinds/registry.ts";
import { commits, onAny, onCreate, onDelete, onUpdate, type Specifier } from "../../shared/state/event.ts";
import type { Selector } from "../../shared/state/selector.ts";

export type Thing = WindlassObject<{
  readonly color: string;
  readonly count: number;
  readonly by: string;
  readonly filler?: string;
}>;

const specSchema = z.object({ color: z.string(), count: z.number(), by: z.string(), filler: z.string().optional() });

function kindOf(kind: string, plural: string, namespaced: boolean): KindDefinition<Thing> {
  return {
    kind,
    plural,
    singular: kind.toLowerCase(),
    shortNames: [],
    categories: [],
    namespaced,
    scope: "cluster",
    description: "Simulated.",
    spec: specSchema as unknown as KindDefinition<Thing>["spec"],
    status: z.object({}) as unknown as KindDefinition<Thing>["status"],
    columns: [],
    cells: () => [],
    selectableFields: {},
    indexes: { color: ({ spec }) => [spec.color] },
  };
}

export const itemKind = kindOf("Item", "items", true);
export const flagKind = kindOf("Flag", "flags", false);
export const registry = createRegistry([itemKind, flagKind] as unknown as KindDefinition[]);
export const colors = ["red", "green", "blue"];

export type Place = { readonly kind: KindDefinition<Thing>; readonly name: string; readonly namespace?: string };
export const places: readonly Place[] = [
  ...["a", "b"].flatMap((namespace) => ["x", "y", "z"].map((name) => ({ kind: itemKind, name, namespace }))),
  ...["f", "g"].map((name) => ({ kind: flagKind, name })),
];
export const keyAt = ({ kind, name, namespace }: Place): string => keyOf(kind, name, namespace);

export function inputFor({ kind, name, namespace }: Place, spec: Thing["spec"]): ObjectInput<Thing> {
  const labels = { color: spec.color };
  return { apiVersion, kind: kind.kind, metadata: { name, labels, ...(namespace !== undefined && { namespace }) }, spec };
}

/** A selector, and what it should choose in the oracle's own words. */
export type Selection = { readonly name: string; readonly selector: Selector; readonly test: (thing: Thing) => boolean };

const isOdd = ({ spec }: Thing): boolean => spec.count % 2 === 1;
const byColor = (color: string): Selector => ({ by: "index", index: "color", value: color });
const whereOdd: Selector = { by: "where", predicate: (object) => isOdd(object as Thing) };

export const selections: readonly Selection[] = [
  { name: "all", selector: { by: "all" }, test: () => true },
  { name: "red", selector: byColor("red"), test: ({ spec }) => spec.color === "red" },
  { name: "odd", selector: whereOdd, test: isOdd },
  {
    name: "green or blue",
    selector: { by: "or", parts: [byColor("green"), { by: "index", index: "label", value: "color=blue" }] },
    test: ({ spec }) => spec.color !== "red",
  },
  {
    name: "red and odd",
    selector: { by: "and", parts: [byColor("red"), whereOdd] },
    test: (thing) => thing.spec.color === "red" && isOdd(thing),
  },
  {
    name: "in a, named y",
    selector: {
      by: "and",
      parts: [
        { by: "namespace", namespace: "a" },
        { by: "indexPrefix", index: "name", prefix: "y" },
      ],
    },
    test: ({ metadata }) => metadata.namespace === "a" && metadata.name.startsWith("y"),
  },
  {
    name: "g… colors",
    selector: { by: "indexPrefix", index: "color", prefix: "g" },
    test: ({ spec }) => spec.color.startsWith("g"),
  },
];

type Action = "create" | "update" | "delete";
export type WatchRule = {
  readonly actions: readonly Action[];
  readonly kind: KindDefinition<Thing>;
  readonly selection: Selection;
};
/** What a watcher asks for: everything, or rules, with commits or without. */
export type WatchFilter = {
  readonly name: string;
  readonly specifiers: readonly Specifier[];
  readonly rules: readonly WatchRule[] | "everything";
  readonly commits: boolean;
};

const [everyone, red, odd, greenOrBlue, redAndOdd] = selections as readonly [
  Selection,
  Selection,
  Selection,
  Selection,
  Selection,
];
const anyAction: readonly Action[] = ["create", "update", "delete"];

export const watchFilters: readonly WatchFilter[] = [
  { name: "everything", specifiers: [], rules: "everything", commits: true },
  { name: "commits", specifiers: [commits], rules: [], commits: true },
  anyOf("red items", itemKind, red, false),
  anyOf("odd items and commits", itemKind, odd, true),
  anyOf("green or blue items", itemKind, greenOrBlue, false),
  anyOf("red and odd flags", flagKind, redAndOdd, false),
  {
    name: "items made or removed, red flags changed",
    specifiers: [onCreate(itemKind), onDelete(itemKind), onUpdate(flagKind, red.selector)],
    rules: [
      { actions: ["create"], kind: itemKind, selection: everyone },
      { actions: ["delete"], kind: itemKind, selection: everyone },
      { actions: ["update"], kind: flagKind, selection: red },
    ],
    commits: false,
  },
  {
    name: "red or odd items that appear",
    specifiers: [onCreate(itemKind, red.selector), onCreate(itemKind, odd.selector)],
    rules: [
      { actions: ["create"], kind: itemKind, selection: red },
      { actions: ["create"], kind: itemKind, selection: odd },
    ],
    commits: false,
  },
];

function anyOf(name: string, kind: KindDefinition<Thing>, selection: Selection, withCommits: boolean): WatchFilter {
  const specifiers = [...onAny(kind, selection.selector), ...(withCommits ? [commits] : [])];
  return { name, specifiers, rules: anyAction.map((action) => ({ actions: [action], kind, selection })), commits: withCommits };
}
