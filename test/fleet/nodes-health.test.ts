/** Failures are counted beside the log: none is lost, none twice, and not those of another node. */
import { describe, expect, it } from "vitest";
import { HealthBook, type Report } from "../../shared/fleet/nodes/health.ts";
import { openMemory } from "../../shared/log/memory/open.ts";
import type { Cells } from "../../shared/log/ports.ts";
import { StillClock } from "./nodes-fleet.ts";

const uid = "life";
const address = "tcp://a:2375";

async function ground() {
  const { objects, cells } = openMemory();
  await objects.begin(uid, 1);
  const clock = new StillClock();
  const book = (own: Cells = cells) => new HealthBook({ cells: own, uid, clock, apartMs: 2_000 });
  const report = (more: Partial<Report> = {}): Report => ({
    address,
    atMs: clock.now(),
    error: "refused",
    probes: 0,
    silences: 0,
    calls: 0,
    counted: 1,
    ...more,
  });
  return { cells, clock, book, report };
}

describe("counting", () => {
  it("200 reports of calls at once in 4 processes are 200 failures, in few writes", async () => {
    const { cells, book, report } = await ground();
    let puts = 0;
    const counted: Cells = {
      get: (...args) => cells.get(...args),
      delete: (...args) => cells.delete(...args),
      list: (...args) => cells.list(...args),
      put: (...args) => {
        puts += 1;
        return cells.put(...args);
      },
    };
    const books = Array.from({ length: 4 }, () => book(counted));
    const counts = await Promise.all(
      Array.from({ length: 200 }, (_, n) => (books[n % 4] as HealthBook).count("a", report({ calls: 1, error: `error ${n}` }))),
    );
    expect(Math.max(...counts.map(({ failures }) => failures))).toBe(200);
    expect((await book().of("a"))?.health).toMatchObject({ failures: 200, callFailures: 200, probeFailures: 0 });
    expect(puts).toBeLessThan(30);
  });

  it("failed probes of 50 healers at one moment are one failure; the next moment's are another", async () => {
    const { clock, book, report } = await ground();
    for (let moment = 1; moment <= 3; moment += 1) {
      await Promise.all(Array.from({ length: 50 }, () => book().count("a", report({ probes: 1 }))));
      expect((await book().of("a"))?.health).toMatchObject({ failures: moment, probeFailures: moment });
      clock.jump(2_000);
    }
  });

  it("knows since when a node was not reached, and forgets it with the rest", async () => {
    const { clock, book, report } = await ground();
    const first = await book().count("a", report({ silences: 1 }));
    expect(first.silentSinceMs).toBe(clock.now());
    clock.jump(5_000);
    const second = await book().count("a", report({ probes: 1 }));
    expect(second).toMatchObject({
      failures: 2,
      probeFailures: 1,
      silentSinceMs: first.silentSinceMs,
      probeFailedMs: clock.now(),
    });
    const entry = await book().of("a");
    if (entry !== undefined) await book().reset("a", entry);
    expect((await book().of("a"))?.health).toEqual({ address, failures: 0, probeFailures: 0, callFailures: 0 });
  });

  it("a report that does not count is remembered as the last error", async () => {
    const { book, report } = await ground();
    expect(await book().count("a", report({ calls: 1, counted: 0 }))).toMatchObject({
      failures: 0,
      callFailures: 1,
      lastError: "refused",
    });
  });

  it("a reset does not take away what came after it was decided on", async () => {
    const { book, report } = await ground();
    await book().count("a", report({ calls: 1 }));
    const entry = await book().of("a");
    await book().count("a", report({ calls: 1 }));
    if (entry !== undefined) await book().reset("a", entry);
    expect((await book().of("a"))?.health.failures).toBe(2);
  });

  it("at another address, or as another node, it begins anew", async () => {
    const { book, report } = await ground();
    await book().count("a", report({ calls: 1 }));
    await book().count("b", report({ calls: 1 }));
    expect(await book().count("a", report({ calls: 1, address: "tcp://elsewhere:2375" }))).toMatchObject({ failures: 1 });
    expect([...(await book().all()).keys()]).toEqual(["a", "b"]);
  });

  it("after a day without a failure it is forgotten, and its cell is removed", async () => {
    const { cells, clock, book, report } = await ground();
    await book().count("a", report({ calls: 1 }));
    clock.jump(24 * 3_600_000);
    expect(await book().of("a")).toBeUndefined();
    expect((await book().all()).size).toBe(0);
    expect(await cells.list(uid, "health/", 10)).toEqual([]);
    await book().count("b", report({ calls: 1 }));
    await book().forget("b");
    await book().forget("c");
    expect(await cells.list(uid, "health/", 10)).toEqual([]);
  });

  it("cells that fail fail those that count, and those after them are counted", async () => {
    const { cells, book, report } = await ground();
    let fails = true;
    const failing: Cells = {
      get: (...args) => (fails ? Promise.reject(new Error("throttled")) : cells.get(...args)),
      put: (...args) => cells.put(...args),
      delete: (...args) => cells.delete(...args),
      list: (...args) => cells.list(...args),
    };
    const broken = book(failing);
    const counts = [broken.count("a", report({ calls: 1 })), broken.count("a", report({ calls: 1 }))];
    for (const result of await Promise.allSettled(counts)) expect(result.status).toBe("rejected");
    fails = false;
    expect((await broken.count("a", report({ calls: 1 }))).failures).toBe(1);
  });

  it("a cell that others write 100 times in between is given up", async () => {
    const { cells, book, report } = await ground();
    await book().count("a", report({ calls: 1 }));
    const contended: Cells = {
      get: (...args) => cells.get(...args),
      put: async (...args) => {
        await book().count("a", report({ calls: 1 }));
        return cells.put(...args);
      },
      delete: (...args) => cells.delete(...args),
      list: (...args) => cells.list(...args),
    };
    await expect(book(contended).count("a", report({ calls: 1 }))).rejects.toThrow("100 times in between");
  });
});
