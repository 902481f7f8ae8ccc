/** The source's status table, and what else it asks of a node. */
import { describe, expect, it } from "vitest";
import { timestamp } from "../../shared/base/clock.ts";
import { creationSpec, creationStatuses, creationStatusOf } from "../../shared/fleet/nodes/creation-status.ts";
import {
  disabledUntil,
  extraMetadata,
  failureCount,
  hasSuccess,
  isDisabled,
  isEnabled,
  nodeJson,
  nodeStatusText,
  resetFailures,
} from "../../shared/fleet/nodes/status.ts";
import type { Node, NodeStatus } from "../../shared/kinds/node.ts";
import { nodeAt, now } from "./objects.ts";

const soon = timestamp(now + 1_000);
const past = timestamp(now - 1_000);
const error = { metadata: { annotations: { "windlass.dev/creation-status": "error" } } };

type Given = {
  readonly spec?: object;
  readonly annotations?: object;
  readonly status?: Partial<NodeStatus>;
  readonly healing?: number;
};
function given({ spec = {}, annotations, status }: Given): Node {
  const node = nodeAt("a", { spec });
  const { status: _, ...bare } = node;
  return {
    ...bare,
    metadata: { ...node.metadata, ...(annotations && { annotations: annotations as Record<string, string> }) },
    ...(status && { status: { state: "ready", engine: { id: "x" }, ...status } }),
  };
}

describe("the status table", () => {
  const rows: readonly (readonly [string, Given, string, boolean])[] = [
    ["never seen", {}, "waiting", true],
    ["never reached", { status: { state: "unknown" } }, "waiting", true],
    ["answers", { status: {} }, "ready", true],
    ["answers after a failure", { status: { failures: 1 } }, "ready for retry", true],
    ["failed, and its time is over", { status: { failures: 2, disabledUntil: past } }, "ready for retry", true],
    ["failed at this second", { status: { failures: 2, disabledUntil: timestamp(now) } }, "ready for retry", true],
    ["failed, and its time goes on", { status: { failures: 2, disabledUntil: soon } }, "temporarily disabled", false],
    ["not reached", { status: { state: "disconnected", failures: 1, disabledUntil: soon } }, "temporarily disabled", false],
    ["not reached a while ago", { status: { state: "disconnected", failures: 1, disabledUntil: past } }, "ready for retry", true],
    ["not reached, not disabled", { status: { state: "disconnected", failures: 1 } }, "ready for retry", true],
    ["given up", { status: { state: "down", failures: 3, disabledUntil: past } }, "temporarily disabled", false],
    ["being healed", { status: { failures: 1 }, healing: now + 1 }, "healing", true],
    ["its healing has expired", { status: { failures: 1 }, healing: now }, "ready for retry", true],
    ["not accepted", { spec: { membership: "pending" }, status: { failures: 1 } }, "pending", false],
    ["not accepted, and healed", { spec: { membership: "pending" }, healing: now + 1 }, "pending", false],
    ["paused", { spec: { availability: "pause" }, status: {} }, "disabled", false],
    ["drained", { spec: { availability: "drain" }, status: {} }, "disabled", false],
    ["not made well", { spec: { availability: "pause" }, ...error.metadata, status: {} }, "error", false],
    ["not made well, but switched on since", { ...error.metadata, status: {} }, "ready", true],
  ];
  it.each(rows)("%s", (_, row, text, enabled) => {
    const node = given(row);
    expect(nodeStatusText(node, now, row.healing)).toBe(text);
    expect(isEnabled(node, now)).toBe(enabled);
  });

  it("a node that is being removed takes nothing", () => {
    const node = given({ status: {} });
    expect(isEnabled({ ...node, metadata: { ...node.metadata, deletionTimestamp: past } }, now)).toBe(false);
  });
});

describe("the creation status", () => {
  it.each(creationStatuses)("%s is what was set", (status) => {
    for (const before of creationStatuses) {
      const node = creationSpec(creationSpec(given({}), before), status);
      expect([creationStatusOf(node), before]).toEqual([status, before]);
    }
  });

  it("leaves a drained node drained, and no annotation behind", () => {
    const drained = given({ spec: { availability: "drain" } });
    expect(creationSpec(drained, "disabled").spec.availability).toBe("drain");
    expect(creationSpec(creationSpec(drained, "error"), "created").metadata).toEqual(drained.metadata);
    expect(creationSpec(drained, "created").spec.availability).toBe("active");
  });
});

describe("what the source asks of a node", () => {
  const failed = given({ status: { failures: 2, lastError: "refused", disabledUntil: soon, since: past } });

  it("failures, success, and a reset that leaves the rest", () => {
    expect([failureCount(failed), failureCount(given({}))]).toEqual([2, 0]);
    expect([hasSuccess(failed), hasSuccess(given({})), hasSuccess({ ...failed, status: { state: "down" } })]).toEqual([
      true,
      false,
      false,
    ]);
    expect(resetFailures(failed).status).toEqual({ state: "ready", engine: { id: "x" }, since: past });
    expect(resetFailures(given({}))).toEqual(given({}));
  });

  it("its JSON has address, metadata and status, and nothing of a secret", () => {
    const node = { ...failed, spec: { ...failed.spec, tls: { secretRef: { name: "node-a-tls" } } } };
    const extra = { Failures: "2", DisabledUntil: soon, LastError: "refused", LastSuccess: past };
    expect(extraMetadata(node)).toEqual(extra);
    expect(nodeJson({ ...node, metadata: { ...node.metadata, labels: { zone: "a" } } }, now)).toEqual({
      Address: "tcp://10.0.0.1:2375",
      Metadata: { zone: "a", ...extra },
      Status: "temporarily disabled",
    });
  });

  it("a node is disabled for no less than it was said, in whole seconds", () => {
    expect(disabledUntil(now, 60_000)).toBe(timestamp(now + 60_000));
    expect(disabledUntil(now + 1, 60_000)).toBe(timestamp(now + 61_000));
    const node = given({ status: { disabledUntil: disabledUntil(now + 1, 60_000) } });
    expect([isDisabled(node, now + 60_000), isDisabled(node, now + 61_000)]).toEqual([true, false]);
  });
});
