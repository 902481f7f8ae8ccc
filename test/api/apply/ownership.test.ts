/** Who owns what, through random applies and updates of several managers: the rules that always hold. And the entries' own rules. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { apply } from "../../../shared/api/apply/apply.ts";
import { compare } from "../../../shared/api/apply/compare.ts";
import { difference, type Fields, isEmpty, noFields, pathsOf, union } from "../../../shared/api/apply/field-set.ts";
import { fieldTypeOf } from "../../../shared/api/apply/field-type.ts";
import { fieldsOf } from "../../../shared/api/apply/fields-of.ts";
import {
  foldOldest,
  isReset,
  type ManagedEntry,
  newEntry,
  readEntries,
  updateEntriesMax,
  writeEntries,
} from "../../../shared/api/apply/managed-entry.ts";
import { ownedView } from "../../../shared/api/apply/owned-view.ts";
import { rewriteOf } from "../../../shared/api/apply/rewrite.ts";
import { trackUpdate } from "../../../shared/api/apply/track-update.ts";
import { timestamp } from "../../../shared/base/clock.ts";
import type { JsonObject } from "../../../shared/base/json.ts";
import { nodeKind } from "../../../shared/kinds/node.ts";
import type { WindlassObject } from "../../../shared/kinds/object.ts";

const type = fieldTypeOf(nodeKind);
const definition = nodeKind;

type State = { readonly object: JsonObject | undefined; readonly entries: readonly ManagedEntry[] };
type Act = { readonly how: "apply" | "force" | "update"; readonly manager: string; readonly body: JsonObject };

const someValue = fc.constantFrom("1", "2");
const bodies: fc.Arbitrary<JsonObject> = fc
  .record(
    {
      labels: fc.dictionary(fc.constantFrom("a", "b", "constructor"), someValue, { noNullPrototype: true }),
      finalizers: fc.uniqueArray(fc.constantFrom("f/a", "f/b", "f/c"), { minLength: 1 }),
      address: someValue,
      role: someValue,
    },
    { requiredKeys: [] },
  )
  .map(({ address, role, labels, finalizers }) => {
    const metadata = { ...(labels && Object.keys(labels).length > 0 && { labels }), ...(finalizers && { finalizers }) };
    const spec = { ...(address && { address }), ...(role && { role }) };
    return { metadata, ...(Object.keys(spec).length > 0 && { spec }) };
  });
const acts: fc.Arbitrary<Act> = fc.record({
  how: fc.constantFrom("apply", "force", "update"),
  manager: fc.constantFrom("one", "two", "three"),
  body: bodies,
});

/** What an object names of what can be owned. */
const named = (object: JsonObject | undefined): Fields => fieldsOf(type, object && ownedView(object));

const seconds = (n: number): string => timestamp(n * 1_000);

function done({ object, entries }: State, { how, manager, body }: Act, time: string): State {
  const live = object as unknown as WindlassObject | undefined;
  if (how === "update") {
    const by = { manager, operation: "Update", subresource: undefined } as const;
    return { object: body, entries: trackUpdate({ definition, before: live, after: body, entries, manager: by, time }) };
  }
  const applied = apply({ definition, live, entries, config: body, manager: applierOf(manager), time });
  return how === "apply" && applied.conflicts.length > 0 ? { object, entries } : applied;
}

const applierOf = (manager: string) => ({ manager, operation: "Apply", subresource: undefined }) as const;
const heldBy = ({ entries }: State, manager: string): Fields =>
  entries.find((entry) => entry.manager === manager && entry.operation === "Apply")?.fieldsV1 ?? noFields;
const all = (entries: readonly ManagedEntry[]): Fields =>
  entries.reduce((fields, { fieldsV1 }) => union(fields, fieldsV1), noFields);
const leaves = (object: JsonObject | undefined): string[] => [...pathsOf(named(object))].map((path) => path.join(" "));
const stateAfter = (history: readonly Act[]): State =>
  history.reduce<State>((state, act, index) => done(state, act, seconds(index)), { object: undefined, entries: [] });

describe("after any applies and updates", () => {
  const histories = fc.array(acts, { minLength: 1, maxLength: 8 });

  it("every field has an owner, and nothing that is not there has one", () => {
    fc.assert(
      fc.property(histories, (history) => {
        const { object, entries } = stateAfter(history);
        // An object whose every field somebody took away is not tracked any more, as Kubernetes has it.
        if (entries.length > 0) expect(textsOf(difference(named(object), all(entries)))).toEqual([]);
        const there = new Set(leaves(object));
        const leavesOwned = textsOf(all(entries)).filter((path) => path.split(" ").length > 2);
        expect(leavesOwned.filter((path) => !there.has(path))).toEqual([]);
        expect(entries.some(({ fieldsV1 }) => isEmpty(fieldsV1))).toBe(false);
      }),
    );
  });

  it("who applied owns exactly what was applied, until another takes it", () => {
    fc.assert(
      fc.property(histories, acts, acts, (history, mine, theirs) => {
        const applied = done(stateAfter(history), { ...mine, how: "force", manager: "me" }, seconds(100));
        const wanted = named(mine.body);
        expect(heldBy(applied, "me")).toEqual(wanted);
        const later = done(applied, theirs, seconds(101));
        const lost = difference(wanted, heldBy(later, "me"));
        const isOther = (path: string) =>
          JSON.stringify(partAt(later.object, path)) !== JSON.stringify(partAt(applied.object, path));
        expect(textsOf(lost).every(isOther)).toBe(true);
        expect(textsOf(heldBy(later, "me")).some(isOther)).toBe(false);
      }),
    );
  });

  it("an apply that is repeated changes nothing, not even a time", () => {
    fc.assert(
      fc.property(histories, acts, (history, act) => {
        const once = done(stateAfter(history), { ...act, how: "force" }, seconds(100));
        if (once.entries.length === 0) return;
        const twice = done(once, { ...act, how: "apply" }, seconds(200));
        expect(twice.object).toEqual(once.object);
        expect(twice.entries).toEqual(once.entries);
      }),
    );
  });

  it("who applies nothing any more takes away what was its alone, and nothing else", () => {
    fc.assert(
      fc.property(histories, acts, (history, act) => {
        const before = done(stateAfter(history), { ...act, how: "force", manager: "me" }, seconds(100));
        const others = all(before.entries.filter(({ manager }) => manager !== "me"));
        const sole = new Set(textsOf(difference(heldBy(before, "me"), others)));
        const gone = done(before, { how: "apply", manager: "me", body: { metadata: {} } }, seconds(200));
        expect(leaves(gone.object).sort()).toEqual(
          leaves(before.object)
            .filter((path) => !sole.has(path))
            .sort(),
        );
        expect(heldBy(gone, "me")).toEqual({});
      }),
    );
  });

  it("an apply without conflicts changes no field that another owns", () => {
    fc.assert(
      fc.property(histories, acts, (history, act) => {
        const before = stateAfter(history);
        const others = all(before.entries.filter(({ manager, operation }) => manager !== act.manager || operation !== "Apply"));
        const later = done(before, { ...act, how: "apply" }, seconds(100));
        const held = textsOf(others).filter((path) => leaves(before.object).includes(path));
        expect(
          held.every((path) => JSON.stringify(partAt(later.object, path)) === JSON.stringify(partAt(before.object, path))),
        ).toBe(true);
      }),
    );
  });
});

describe("entries", () => {
  const updater = (manager: string, time: number, field = manager) =>
    newEntry({ manager, operation: "Update", subresource: undefined }, { [`f:${field}`]: {} }, seconds(time));

  it("stand in Kubernetes' order: appliers first, then the older, then by name; empty ones go", () => {
    const applier = newEntry(applierOf("z"), { "f:z": {} }, seconds(9));
    const empty = { ...updater("e", 0), fieldsV1: {} };
    const written = writeEntries([updater("b", 2), empty, updater("c", 1), updater("a", 2), applier]);
    expect(written.map(({ manager }) => manager)).toEqual(["z", "c", "a", "b"]);
    expect(writeEntries(written)).toBe(written);
  });

  it(`the oldest of more than ${updateEntriesMax} updaters become one; appliers do not count`, () => {
    const updaters = Array.from({ length: updateEntriesMax }, (_, index) => updater(`m${index}`, index));
    expect(foldOldest(updaters)).toBe(updaters);
    const applier = newEntry(applierOf("z"), { "f:z": {} }, seconds(0));
    const folded = foldOldest([...updaters, updater("new", 50), applier]);
    expect(folded).toHaveLength(updateEntriesMax + 1);
    expect(folded.at(-1)).toMatchObject({ manager: "ancient-changes", time: seconds(1), fieldsV1: { "f:m0": {}, "f:m1": {} } });
    const again = foldOldest([...folded, updater("newer", 60)]);
    expect(again.filter(({ manager }) => manager === "ancient-changes")).toEqual([
      expect.objectContaining({ time: seconds(2), fieldsV1: { "f:m0": {}, "f:m1": {}, "f:m2": {} } }),
    ]);
  });

  it("are taken back by an empty list or one empty entry", () => {
    expect([[], [{}]].map(isReset)).toEqual([true, true]);
    expect([undefined, [{}, {}], [{ manager: "m" }]].map(isReset)).toEqual([false, false, false]);
  });

  it("are read only where each can be understood, the later of two by one manager counts", () => {
    const good = {
      manager: "m",
      operation: "Update",
      apiVersion: "windlass.dev/v1",
      fieldsType: "FieldsV1",
      fieldsV1: { "f:a": {} },
    };
    expect(readEntries([good, { ...good, fieldsV1: { "f:b": {} } }])).toEqual([{ ...good, fieldsV1: { "f:b": {} } }]);
    expect(readEntries([{ ...good, manager: undefined, fieldsV1: undefined }])).toEqual([{ ...good, manager: "", fieldsV1: {} }]);
    const bad = [
      { operation: "Patch" },
      { apiVersion: "" },
      { fieldsType: "" },
      { fieldsType: "FieldsV2" },
      { fieldsV1: { a: {} } },
    ];
    expect(bad.map((part) => readEntries([good, { ...good, ...part }]))).toEqual(bad.map(() => undefined));
    expect(readEntries(undefined)).toEqual([]);
  });
});

const textsOf = (fields: Fields): string[] => [...pathsOf(fields)].map((path) => path.join(" "));

/** The value at a path of fields and of values in sets. */
function partAt(object: JsonObject | undefined, path: string): unknown {
  return path.split(" ").reduce<unknown>((value, element) => {
    if (element.startsWith("v:")) return Array.isArray(value) && value.includes(JSON.parse(element.slice(2)));
    const name = element.slice(2);
    return typeof value === "object" && value !== null && Object.hasOwn(value, name)
      ? (value as Record<string, unknown>)[name]
      : undefined;
  }, object);
}

it("what is found to be only written anew is what a comparison finds to be so", () => {
  fc.assert(
    fc.property(bodies, bodies, bodies, (before, after, owner) => {
      const owned = fieldsOf(type, owner);
      const rewrite = rewriteOf(type, before, after, owned);
      const { added, modified, removed } = compare(type, before, after);
      const isSame = [added, modified, removed].every(isEmpty);
      if (rewrite === "nothing") expect(isSame).toBe(true);
      if (rewrite !== "owned") return;
      expect([isSame, added, removed, difference(modified, owned)]).toEqual([false, noFields, noFields, noFields]);
    }),
    { numRuns: 2_000 },
  );
});
