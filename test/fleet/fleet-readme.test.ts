/** Holds the table in shared/fleet/README.md: every method of docker-cluster's Cluster has a row, and every row's test is there. */
import { readFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, it } from "vitest";

const root = path.resolve(import.meta.dirname, "../..");
const methods =
  `AddHook AtomicUpdateNode AttachToContainer AttachToContainerNonBlocking BuildImage CommitContainer CreateContainer
CreateContainerPullOptsSchedulerOpts CreateContainerSchedulerOpts CreateExec DownloadFromContainer DryMode ExportContainer GetNode Hooks
ImageHistory ImportImage InspectContainer InspectExec InspectImage KillContainer ListContainers ListImages Logs Nodes NodesForMetadata
PauseContainer PullImage PushImage Register RemoveContainer RemoveImage ResizeContainerTTY ResizeExecTTY RestartContainer
StartActiveMonitoring StartContainer StartExec StopActiveMonitoring StopContainer StopDryMode TagImage TopContainer UnfilteredNodes
UnfilteredNodesForMetadata UnpauseContainer Unregister UnregisterNodes UpdateNode UploadToContainer WaitContainer`.split(/\s+/);

const rows = readFileSync(path.join(root, "shared/fleet/README.md"), "utf8")
  .split("\n")
  .filter((line) => line.startsWith("| ") && !/^\| (there|---)/.test(line))
  .map((line) => line.split(" | ").map((cell) => cell.replace(/^\| | \|$/g, "").trim()));

describe("the table of the source's methods", () => {
  it("has a row for each", () => {
    const named = new Set(rows.map(([name]) => name));
    expect(methods.filter((name) => !named.has(name))).toEqual([]);
    expect(methods).toHaveLength(51);
  });

  it("names a test that is there, by words of its title", () => {
    const missing = rows.filter(([, , test = ""]) => {
      const [, file = "", title = ""] = /^([\w/-]+): (.+)$/.exec(test) ?? [];
      const folder = file.startsWith("docker/") ? "test" : "test/fleet";
      const text = readFileSync(path.join(root, folder, `${file}.test.ts`), "utf8");
      return !title.split(": ").every((words) => text.includes(words));
    });
    expect(missing).toEqual([]);
  });
});
