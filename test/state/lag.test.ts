/** When a writer must look at the marker again, and when it is refused. */
import { describe, expect, it } from "vitest";
import { appliedRecheckMs, appliedRecheckRevisions, lagBytesMax, lagEntriesMax } from "../../shared/base/limits.ts";
import { Lag } from "../../shared/state/lag.ts";

function noted(entries: number, bytes: number): Lag {
  const lag = new Lag();
  lag.reset(0, 0);
  for (let revision = 1; revision <= entries; revision += 1) lag.note(revision, bytes);
  return lag;
}

describe("the lag of the rows behind the log", () => {
  it.each([
    ["so many revisions", noted(appliedRecheckRevisions, 1), appliedRecheckRevisions, 0, true],
    ["one fewer", noted(appliedRecheckRevisions - 1, 1), appliedRecheckRevisions - 1, 0, false],
    ["so long", noted(1, 1), 1, appliedRecheckMs, true],
    ["half of the bytes that may lie between", noted(2, lagBytesMax / 4), 2, 0, true],
    ["a byte fewer", noted(1, lagBytesMax / 2 - 1), 1, 0, false],
  ])("the marker is old after %s", (_what, lag, revision, nowMs, isOld) => expect(lag.isOld(revision, nowMs)).toBe(isOld));

  it("refuses beyond its bounds, until the marker moves", () => {
    const lag = noted(2, lagBytesMax / 2);
    expect(lag.refusal(1, 1)).toMatch(/bytes of entries are not applied yet/);
    lag.moved(1, 2, 0);
    expect(lag.refusal(1, 1)).toBeUndefined();
    expect(lag.refusal(lagEntriesMax, 1)).toMatch(/entries are not applied yet/);
  });
});
