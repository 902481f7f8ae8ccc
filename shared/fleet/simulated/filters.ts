/** Docker's filters, as far as simulated engines know them. */

import type { Filters } from "../engine/call.ts";
import type { EngineEvent } from "../engine.ts";

/** Each of `wanted`, `key` or `key=value`, must be there. */
export function matchesLabels(labels: Readonly<Record<string, string>>, wanted: readonly string[]): boolean {
  return wanted.every((one) => {
    const [key = "", ...value] = one.split("=");
    return Object.hasOwn(labels, key) && (value.length === 0 || labels[key] === value.join("="));
  });
}

export function matchesEvent({ Type, Action, Actor }: EngineEvent, filters: Filters): boolean {
  const { type, event, container, label = [] } = filters;
  return (
    (type === undefined || type.includes(Type)) &&
    (event === undefined || event.includes(Action)) &&
    (container === undefined || container.some((id) => Actor.ID.startsWith(id) || Actor.Attributes?.["name"] === id)) &&
    matchesLabels(Actor.Attributes ?? {}, label)
  );
}
