/**
 * Which objects a list or a watch is about, from its path and its selectors: as a store's selector, with the parts that an index
 * answers first, so that a list need not ask every object and an event finds its watchers.
 */
import { type Parsed, parseFieldSelector, parseLabelSelector } from "../kinds/selector.ts";
import { and, byLabel, byName, byNamespace, type Selector, where } from "../state/selector.ts";
import type { Call } from "./call.ts";
import { badRequest } from "./errors.ts";

export type Selection = {
  readonly selector: Selector;
  /** Whether a selector was given, beside the path. */
  readonly isFiltered: boolean;
  /** The same for the same question: what a continue token is bound to. */
  readonly text: string;
};

/** @throws RefusedError when a selector can't be parsed. */
export function selectionOf({ definition, namespace, query }: Call): Selection {
  const [labelText, fieldText] = [query("labelSelector") ?? "", query("fieldSelector") ?? ""];
  const labels = selectorOf(parseLabelSelector(labelText));
  const fields = selectorOf(parseFieldSelector(definition, fieldText));
  const names = fields.equalities.filter(({ key }) => key === "metadata.name").map(({ value }) => byName(value));
  const parts: Selector[] = [
    ...names,
    ...labels.equalities.map(({ key, value }) => byLabel(key, value)),
    ...(namespace === undefined ? [] : [byNamespace(namespace)]),
  ];
  if (labels.requirements.length > labels.equalities.length) parts.push(where(({ metadata }) => labels.matches(metadata.labels)));
  // Names are indexed without regard to case, so field selectors are always asked, too.
  if (fields.requirements.length > 0) parts.push(where((object) => fields.matches(object)));
  const isFiltered = labels.requirements.length > 0 || fields.requirements.length > 0;
  return {
    selector: and(...parts),
    isFiltered,
    text: JSON.stringify([definition.plural, namespace ?? null, labelText, fieldText]),
  };
}

function selectorOf<S>(parsed: Parsed<S>): S {
  if (!parsed.ok) throw badRequest(parsed.message);
  return parsed.selector;
}
