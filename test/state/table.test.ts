/** A table's order, kept beside its rows: what came and went since the last look is put in place one by one or all at once. */
import fc from "fast-check";
import { expect, it } from "vitest";
import { taskKind } from "../../shared/kinds/task.ts";
import { ObjectIndexes } from "../../shared/state/object-indexes.ts";
import { Table } from "../../shared/state/table.ts";

const indexes = new ObjectIndexes(taskKind);
const keyOf = (index: number): string => `tasks/default/task-${index}`;
const row = (key: string) => ({ key, revision: 1, value: { metadata: { name: key, uid: key } } });

/** Sets and deletes between two looks; hundreds of them are merged, few are spliced. */
const looks = fc.array(fc.array(fc.record({ index: fc.nat(400), isSet: fc.boolean() }), { maxLength: 300, size: "max" }), {
  maxLength: 6,
});

it("its keys are all that was set and not deleted since, in order", () => {
  fc.assert(
    fc.property(looks, (turns) => {
      const table = new Table(indexes);
      table.cover("tasks/");
      const model = new Set<string>();
      for (const turn of turns) {
        for (const { index, isSet } of turn) {
          const key = keyOf(index);
          if (isSet) table.set(row(key));
          else table.delete(key);
          if (isSet) model.add(key);
          else model.delete(key);
        }
        expect(table.keys("tasks/")).toEqual([...model].sort());
        expect(table.count("tasks/", keyOf(2))).toBe([...model].filter((key) => key > keyOf(2)).length);
      }
    }),
  );
});
