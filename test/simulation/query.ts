/** What a callback reads, as data: asked of a transaction, and of the oracle's state, and the two answers compared. */
import { jsonText } from "../../shared/base/json.ts";
import { prefixOf } from "../../shared/kinds/definition.ts";
import type { Transaction } from "../../shared/state/transaction.ts";
import type { State } from "./history.ts";
import type { Random } from "./random.ts";
import { flagKind, itemKind, keyAt, type Place, places, type Selection, selections, type Thing } from "./subject.ts";

export type Query =
  | { readonly get: Place }
  | {
      readonly find: typeof itemKind;
      readonly selection: Selection;
      readonly namespace?: string;
      readonly after?: string;
      readonly limit?: number;
    };
export type Reading = { readonly query: Query; readonly answer: readonly Thing[] };

export function drawQuery(random: Random): Query {
  if (random.chance(0.5)) return { get: random.pick(places) };
  const find = random.chance(0.7) ? itemKind : flagKind;
  return {
    find,
    selection: random.pick(selections),
    ...(find === itemKind && random.chance(0.4) && { namespace: random.pick(["a", "b"]) }),
    ...(random.chance(0.15) && { after: keyAt(random.pick(places)) }),
    ...(random.chance(0.2) && { limit: 1 + random.int(3) }),
  };
}

export function ask(transaction: Transaction, query: Query): Reading {
  if ("get" in query) {
    const { kind, name, namespace } = query.get;
    const object = transaction.of(kind).get(name, namespace);
    return { query, answer: object === undefined ? [] : [object] };
  }
  const { find, selection, namespace, after, limit } = query;
  const options = {
    ...(namespace !== undefined && { namespace }),
    ...(after !== undefined && { after }),
    ...(limit !== undefined && { limit }),
  };
  return { query, answer: transaction.of(find).find(selection.selector, options) };
}

/** What the oracle says. */
function answerOf(state: State, query: Query): readonly Thing[] {
  if ("get" in query) {
    const object = state.get(keyAt(query.get));
    return object === undefined ? [] : [object];
  }
  const prefix = prefixOf(query.find, query.namespace);
  const found = [...state]
    .filter(([key, object]) => key.startsWith(prefix) && key > (query.after ?? "") && query.selection.test(object))
    .sort(([left], [right]) => (left < right ? -1 : 1))
    .map(([, object]) => object);
  return found.slice(0, query.limit);
}

export const isSame = (left: object, right: object): boolean => left === right || jsonText(left) === jsonText(right);

/** Whether all readings are what `state` says. */
export function agrees(readings: readonly Reading[], state: State): boolean {
  return readings.every(({ query, answer }) => {
    const expected = answerOf(state, query);
    return expected.length === answer.length && expected.every((object, place) => isSame(object, answer[place] as Thing));
  });
}

/** For people. */
export function describeReadings(readings: readonly Reading[], state: State | undefined): string {
  const show = (objects: readonly Thing[]) =>
    objects.map((each) => `${each.metadata.name}@${each.metadata.resourceVersion.slice(-9)}`).join(" ");
  return readings
    .map(({ query, answer }) => {
      const what = "get" in query ? keyAt(query.get) : `${query.find.plural} ${query.namespace ?? ""} ${query.selection.name}`;
      return `${what}: [${show(answer)}]${state === undefined ? "" : ` should be [${show(answerOf(state, query))}]`}`;
    })
    .join("; ");
}
