/** The embedded host's upkeep: what is old goes, what is young or needed stays. */
import { describe, expect, it } from "vitest";
import { keepUp } from "../../functions/local/upkeep.ts";
import type { Clock } from "../../shared/base/clock.ts";
import { retentionMs } from "../../shared/base/limits.ts";
import { type LogLevel, silentLogger } from "../../shared/base/logger.ts";
import { encodeEntry } from "../../shared/log/codec.ts";
import { openMemory } from "../../shared/log/memory/open.ts";
import { appendAll, createOf, entryAt, first } from "../conformance/ports.ts";

/** A clock whose sleeps end at once, `rounds` minutes long; then the signal's owner is told. */
function clockAt(now: number, rounds: number, done: AbortController): Clock {
  let slept = 0;
  return {
    now: () => now,
    monotonic: () => now,
    sleep: async (ms) => {
      if (ms > 0) slept += 1;
      if (slept > rounds) done.abort();
      if (done.signal.aborted) throw done.signal.reason;
    },
  };
}

async function store(times: readonly number[]) {
  const ports = openMemory({ exclusive: true, appliesOnAppend: true });
  await ports.objects.begin("life", first);
  const entries = times.map((time, place) => encodeEntry({ ...entryAt(first + place, [createOf(`a/${place}`, {})]), time }, 900));
  await appendAll(ports.log, "life", entries);
  return ports;
}

describe("upkeep", () => {
  it("strips what is older than the retention, in order, and nothing younger", async () => {
    const now = 10 * retentionMs;
    const old = Array.from({ length: 250 }, () => now - retentionMs - 1);
    const ports = await store([...old, now - retentionMs + 1, now]);
    const done = new AbortController();
    await keepUp(
      {
        ...ports,
        clock: clockAt(now, 1, done),
        logger: silentLogger,
        retentions: async () =>
          new Map([
            ["life", retentionMs],
            ["unknown", retentionMs],
          ]),
      },
      done.signal,
    );
    expect(await ports.objects.markers("life")).toMatchObject({ published: first + 251, stripped: first + 249 });
    expect((await ports.log.read("life", { after: first + 248, limit: 9, consistent: true })).kind).toBe("trimmed");
    expect(await ports.log.read("life", { after: first + 249, limit: 9, consistent: true })).toMatchObject({
      end: true,
      entries: [{}, {}],
    });
  });

  it("a life whose entries are kept for ever keeps them", async () => {
    const ports = await store([0, 0]);
    const done = new AbortController();
    const retentions = async () => new Map([["life", Number.POSITIVE_INFINITY]]);
    await keepUp({ ...ports, clock: clockAt(10 * retentionMs, 2, done), logger: silentLogger, retentions }, done.signal);
    expect(await ports.objects.markers("life")).toMatchObject({ published: first + 1, stripped: first - 1 });
  });

  it("a round that fails is told, and the next one does its work", async () => {
    const now = 10 * retentionMs;
    const ports = await store([0]);
    const done = new AbortController();
    const told: LogLevel[] = [];
    let failures = 1;
    const retentions = async () => {
      if (failures-- > 0) throw new Error("mine");
      return new Map([["life", retentionMs]]);
    };
    await keepUp(
      { ...ports, clock: clockAt(now, 2, done), logger: { log: (level) => told.push(level) }, retentions },
      done.signal,
    );
    expect(told).toEqual(["error"]);
    expect(await ports.objects.markers("life")).toMatchObject({ stripped: first });
  });
});
