/** The adapter in memory keeps the contract of the ports, with rows written apart from the log and together with it. */
import { describe, expect, it } from "vitest";
import { tombstoneMs } from "../../shared/base/limits.ts";
import { compareKeys } from "../../shared/log/key-order.ts";
import { openMemory } from "../../shared/log/memory/open.ts";
import { cellsConformance } from "../conformance/cells.ts";
import { logConformance } from "../conformance/log.ts";
import { objectsConformance } from "../conformance/objects.ts";
import { byBytes, createOf, entryAt, first, runOf } from "../conformance/ports.ts";

const apart = async () => openMemory();
const together = async () => openMemory({ exclusive: true, appliesOnAppend: true });

logConformance("memory", apart, { runs: 200 });
logConformance("memory, one entry an append", async () => openMemory({ appendMax: 1, compressAboveBytes: 900 }));
logConformance("memory, exclusive", together, { runs: 200 });
objectsConformance("memory", apart, { runs: 200 });
objectsConformance("memory, exclusive", together, { runs: 200 });
cellsConformance("memory", apart, { runs: 200 });

describe("memory", () => {
  it("head: known only where the log is written by one process", async () => {
    const [one, other] = [await apart(), await together()];
    for (const { log, objects } of [one, other]) {
      await objects.begin("life", first);
      await log.append("life", runOf(log, first, 2));
    }
    expect([one.log.head("life"), other.log.head("life"), other.log.head("none")]).toEqual([undefined, first + 1, undefined]);
  });

  it("append: rows and applied come with the entries only where that was asked for", async () => {
    for (const [store, applied] of [
      [await apart(), first - 1],
      [await together(), first + 1],
    ] as const) {
      await store.objects.begin("life", first);
      await store.log.append("life", runOf(store.log, first, 2));
      expect((await store.objects.markers("life"))?.applied).toBe(applied);
      expect((await store.objects.page("life", { prefix: "", limit: 9 })).rows).toHaveLength(applied - first + 1);
    }
  });

  it("append: a run that does not follow the head, or is too long, is refused", async () => {
    const { log, objects } = openMemory({ appendMax: 2 });
    await objects.begin("life", first);
    expect((await log.append("life", runOf(log, first + 1, 1))).kind).toBe("refused");
    expect((await log.append("life", runOf(log, first, 3))).kind).toBe("refused");
    expect((await log.append("life", [])).kind).toBe("refused");
    expect((await log.append("life", runOf(log, first, 2))).kind).toBe("committed");
  });

  it("append: what the caller does to its object afterwards changes nothing", async () => {
    const { log, objects } = await apart();
    await objects.begin("life", first);
    const entry = { ...entryAt(first, [createOf("a", { n: 1 })]) };
    await log.append("life", [{ entry, bytes: new Uint8Array() }]);
    expect(() => Object.assign(entry, { actor: "other" })).toThrow(TypeError);
  });

  it("apply: a tombstone goes when its time is over, not a millisecond before", async () => {
    const { objects } = await apart();
    await objects.begin("life", first);
    const late = { action: "create", key: "a", revision: first + 1, value: {} } as const;
    await objects.apply("life", [{ action: "delete", key: "a", revision: first + 2 }], 0);
    await objects.apply("life", [late], tombstoneMs - 1);
    expect(await objects.get("life", "a")).toBeUndefined();
    await objects.apply("life", [late], tombstoneMs);
    expect(await objects.get("life", "a")).toMatchObject({ key: "a" });
  });

  it("keys are compared as their bytes are, beyond the basic plane, too", () => {
    const keys = [
      "",
      "a",
      "a/",
      "aa",
      "\u007F",
      "é",
      "\u07FF",
      "\uD7FF",
      "\uE000",
      "\uFFFF",
      "\u{10000}",
      "\u{10FFFF}",
      "\u{1F680}a",
    ];
    for (const a of keys) for (const b of keys) expect(Math.sign(compareKeys(a, b))).toBe(Math.sign(byBytes(a, b)));
  });
});
