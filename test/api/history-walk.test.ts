/** History's way through a log: from change to change, over deletions and gaps, to where the log was stripped; and merge diffs. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type Cursor, walkHistory } from "../../shared/api/history-walk.ts";
import { mergeDiff } from "../../shared/api/merge-diff.ts";
import type { Json, JsonObject } from "../../shared/base/json.ts";
import { mergePatch } from "../../shared/kinds/merge-patch.ts";
import { encodeEntry } from "../../shared/log/codec.ts";
import { openMemory } from "../../shared/log/memory/open.ts";
import type { Change } from "../../shared/log/ports.ts";

const uid = "uid";
const key = "nodes/a";
const first = 1_000;

/** A log of one key's steps, with other keys' entries before each of them. */
async function logOf(steps: readonly ("create" | "update" | "delete")[], othersBetween: number) {
  const { log, objects } = openMemory();
  await objects.begin(uid, first);
  let revision = first - 1;
  let reads = 0;
  let current: JsonObject | undefined;
  const append = async (changes: readonly Change[]) => {
    revision += 1;
    const entry = { revision, id: `t-${revision}`, time: revision, actor: "me", changes };
    await log.append(uid, [encodeEntry(entry, 1e6)]);
  };
  for (const action of steps) {
    for (let count = 0; count < othersBetween; count += 1) {
      await append([{ action: "create", key: `nodes/other-${revision}`, value: { metadata: {} } }]);
    }
    const value = { metadata: { resourceVersion: String((revision + 1) * 1_000) } };
    if (action === "create") await append([{ action, key, value }]);
    else if (action === "update") await append([{ action, key, value, previous: current ?? {} }]);
    else await append([{ action, key, previous: current ?? {} }]);
    current = action === "delete" ? undefined : value;
  }
  const counted: Pick<typeof log, "read"> = {
    read: (...asked) => {
      reads += 1;
      return log.read(...asked);
    },
  };
  const walk = (from: Cursor, stripped = first - 1, limit = 100) =>
    walkHistory({ log: counted, uid, key, markers: { stripped }, limit }, from);
  return { log, walk, head: () => revision, reads: () => reads };
}

describe("walkHistory", () => {
  test("an object that is there: one read a change, however much lies between", async () => {
    const { walk, head, reads } = await logOf(["create", "update", "update"], 700);
    const { found, next } = await walk({ kind: "at", revision: head() });
    expect(found.map(({ change }) => change.action)).toEqual(["update", "update", "create"]);
    expect(next).toBeUndefined();
    // Three for the changes; what lies before the create is searched in windows of 500.
    expect(reads()).toBe(3 + 2);
  });

  test("what was deleted, and made anew, is found by searching", async () => {
    const { walk, head } = await logOf(["create", "delete", "create", "update", "delete"], 30);
    const { found } = await walk({ kind: "below", revision: head() + 1 });
    expect(found.map(({ change }) => change.action)).toEqual(["delete", "update", "create", "delete", "create"]);
  });

  test("pages come to the whole, and a walk through nothing ends its page after so many windows", async () => {
    const { walk, head } = await logOf(["create", "delete", "create", "update"], 10);
    const actions: string[] = [];
    for (let cursor: Cursor | undefined = { kind: "at", revision: head() }; cursor !== undefined; ) {
      const { found, next } = await walk(cursor, first - 1, 1);
      actions.push(...found.map(({ change }) => change.action));
      cursor = next;
    }
    expect(actions).toEqual(["update", "create", "delete", "create"]);
    const long = await logOf(["create"], 10_600);
    const far = await walkHistory(
      { log: long.log, uid, key: "nodes/nobody", markers: { stripped: first - 1 }, limit: 10 },
      { kind: "below", revision: long.head() + 1 },
    );
    expect(far).toEqual({ found: [], next: { kind: "below", revision: long.head() + 1 - 10_000 } });
  });

  test("it ends where the log was stripped, also when that happens meanwhile", async () => {
    const { log, walk, head } = await logOf(["create", "update", "update", "update"], 3);
    const stripped = head() - 5;
    const { found, next } = await walk({ kind: "at", revision: head() }, stripped);
    expect([found.length, next]).toEqual([2, undefined]);
    await log.strip(uid, { after: first - 1, upTo: stripped });
    expect((await walk({ kind: "at", revision: head() })).found).toHaveLength(2);
  });
});

describe("mergeDiff", () => {
  const leaf = fc.oneof(fc.string(), fc.integer(), fc.boolean(), fc.array(fc.integer(), { maxLength: 3 }));
  const object = fc.letrec<{ value: Json; object: JsonObject }>((tie) => ({
    value: fc.oneof({ depthSize: "small" }, leaf, tie("object")) as fc.Arbitrary<Json>,
    object: fc.dictionary(fc.constantFrom("a", "b", "c", "__proto__", "constructor"), tie("value"), {
      noNullPrototype: true,
    }) as fc.Arbitrary<JsonObject>,
  })).object;

  test("applied to the one value it gives the other; of equal ones there is none", () => {
    fc.assert(
      fc.property(object, object, (from, to) => {
        const diff = mergeDiff(from, to);
        expect(diff === undefined ? from : mergePatch(from, diff)).toEqual(to);
        expect(mergeDiff(from, from)).toBeUndefined();
      }),
    );
  });
});
