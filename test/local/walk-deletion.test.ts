/** Deleting, scaling and pruning, and several clusters, typed into real kubectls against the embedded server. */
import { writeFile } from "node:fs/promises";
import path from "node:path";
import { expect, it } from "vitest";
import { kubectls } from "./kubectl.ts";
import { fleet, onEach } from "./walks.ts";

const found = await kubectls();
/** Flags were renamed in 1.26. */
const isOld = (version: string): boolean => Number(/^v1\.(\d+)/.exec(version)?.[1]) < 26;

/** YAML that begins as YAML: kubectl takes what begins with a brace for one JSON document. */
const documents = (objects: readonly object[]): string => objects.map((object) => `---\n${JSON.stringify(object)}\n`).join("");

onEach(found, ({ kubectl, folder, typed }) => {
  const namesOf = async (...words: string[]) =>
    (await typed("get", ...words, "-o", "name")).out.trim().split("\n").filter(Boolean);

  /** A Service and two Tasks that it owns. */
  async function applyOwned(): Promise<void> {
    expect(await typed("apply", "-f", fleet)).toMatchObject({ code: 0 });
    const { out: uid } = await typed("get", "service", "web", "-o", "jsonpath={.metadata.uid}");
    const owner = { apiVersion: "windlass.dev/v1", kind: "Service", name: "web", uid, blockOwnerDeletion: true };
    const items = ["web-1", "web-2"].map((name) => ({
      apiVersion: "windlass.dev/v1",
      kind: "Task",
      metadata: { name, namespace: "default", ownerReferences: [owner] },
      spec: { serviceName: "web", template: { spec: { image: "busybox:latest" } } },
    }));
    const file = path.join(folder(), "tasks.yaml");
    await writeFile(file, documents(items));
    expect(await typed("apply", "-f", file)).toMatchObject({ code: 0 });
  }

  it("scale: a service gets the number it is told, if it has the one that was expected", async () => {
    await typed("apply", "-f", fleet);
    expect(await typed("scale", "service/web", "--replicas=5")).toMatchObject({ code: 0, err: "" });
    expect((await typed("get", "service", "web", "-o", "jsonpath={.spec.replicas}")).out).toBe("5");
    expect((await typed("scale", "service/web", "--current-replicas=4", "--replicas=6")).code).toBe(1);
    expect(await typed("scale", "service/web", "--current-replicas=5", "--replicas=6")).toMatchObject({ code: 0 });
    expect((await typed("get", "service", "web", "-o", "jsonpath={.spec.replicas}")).out).toBe("6");
  });

  it("delete: a service takes its tasks along", async () => {
    await applyOwned();
    expect(await typed("delete", "service", "web")).toMatchObject({ code: 0, err: "" });
    await expect.poll(() => namesOf("tasks"), { timeout: 10_000 }).toEqual([]);
  });

  it("delete --cascade=foreground: the tasks go first, and kubectl waits for the service", async () => {
    await applyOwned();
    expect(await typed("delete", "service", "web", "--cascade=foreground")).toMatchObject({ code: 0 });
    expect(await namesOf("services,tasks")).toEqual([]);
  });

  it("delete --cascade=orphan: the tasks stay, and name no owner", async () => {
    await applyOwned();
    expect(await typed("delete", "service", "web", "--cascade=orphan")).toMatchObject({ code: 0 });
    expect(await namesOf("services")).toEqual([]);
    expect((await typed("get", "task", "web-1", "-o", "jsonpath={.metadata.ownerReferences}")).out).toBe("");
    expect(await namesOf("tasks")).toHaveLength(2);
  });

  it("delete -l and --all, with --wait, leave what they do not mean", async () => {
    await typed("apply", "-f", fleet);
    expect(await typed("delete", "nodes", "-l", "disk=ssd", "--wait")).toMatchObject({ code: 0, err: "" });
    expect(await namesOf("nodes")).toEqual(["node.windlass.dev/node-b"]);
    expect(await typed("delete", "tasks,services,nodes", "--all")).toMatchObject({ code: 0 });
    expect(await namesOf("nodes,tasks,services")).toEqual([]);
    expect(await namesOf("networks")).toEqual(["network.windlass.dev/front"]);
  });

  it("apply --prune deletes what the file no longer has, of the kinds that were named", async () => {
    const file = path.join(folder(), "prune.yaml");
    const node = (name: string) => ({
      apiVersion: "windlass.dev/v1",
      kind: "Node",
      metadata: { name, labels: { fleet: "pruned" } },
      spec: { address: "tcp://127.0.0.1:2375" },
    });
    const apply = async (...names: string[]) => {
      await writeFile(file, documents(names.map(node)));
      const flag = isOld(kubectl.version) ? "--prune-whitelist" : "--prune-allowlist";
      return typed("apply", "-f", file, "--prune", "-l", "fleet=pruned", `${flag}=windlass.dev/v1/Node`);
    };
    expect(await apply("one", "two")).toMatchObject({ code: 0 });
    const second = await apply("two");
    expect(second).toMatchObject({ code: 0 });
    expect(second.out).toContain("node.windlass.dev/one pruned");
    expect(await namesOf("nodes", "-l", "fleet=pruned")).toEqual(["node.windlass.dev/two"]);
  });

  it("clusters: one is made, filled, listed and deleted with all it holds", async () => {
    const file = path.join(folder(), "cluster.json");
    const cluster = {
      apiVersion: "windlass.dev/v1",
      kind: "Cluster",
      metadata: { name: "second" },
      spec: { description: "mine" },
    };
    await writeFile(file, JSON.stringify(cluster));
    expect(await typed("apply", "-f", file)).toMatchObject({ code: 0 });
    const { out: address } = await typed("config", "view", "-o", "jsonpath={.clusters[0].cluster.server}");
    const there = (...words: string[]) => typed("--server", `${address}/clusters/second`, ...words);
    expect(await there("apply", "-f", fleet)).toMatchObject({ code: 0 });
    expect((await there("get", "nodes", "-o", "name")).out.split("\n")).toHaveLength(4);
    expect((await typed("get", "clusters")).out).toMatch(/default\s+ready.*\n.*second\s+ready/);
    expect(await typed("delete", "cluster", "second")).toMatchObject({ code: 0, err: "" });
    expect((await typed("get", "clusters", "-o", "name")).out).toBe("cluster.windlass.dev/default\n");
    expect((await there("get", "nodes")).code).toBe(1);
    expect((await typed("delete", "cluster", "default")).err).toContain("this cluster may not be deleted");
  });
});
