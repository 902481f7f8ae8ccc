/** The README's first walk, typed into real kubectls against the embedded server. */
import { writeFile } from "node:fs/promises";
import path from "node:path";
import { expect, it } from "vitest";
import { allKubectls } from "../clients/kubectls.ts";
import { follow } from "./kubectl.ts";
import { fleet, onEach } from "./walks.ts";

const found = await allKubectls();

onEach(found, ({ kubectl, folder, server, typed }) => {
  it("apply, get, watch and delete work as the README has them", async () => {
    const applied = await typed("apply", "-f", fleet);
    expect(applied).toMatchObject({ code: 0, err: "" });
    expect(applied.out.trim().split("\n")).toEqual([
      "node.windlass.dev/node-a created",
      "node.windlass.dev/node-b created",
      "node.windlass.dev/node-c created",
      "network.windlass.dev/front created",
      "service.windlass.dev/web created",
    ]);
    expect((await typed("apply", "-f", fleet)).out).toMatch(/^(\S+ unchanged\n){5}$/);
    const got = await typed("get", "nodes,services,tasks,networks");
    expect(got.code).toBe(0);
    expect(got.out).toMatch(/NAME\s+.*AVAILABILITY.*AGE/);
    expect(got.out).toMatch(/node\.windlass\.dev\/node-c\s.*pause/);
    expect(got.out).toMatch(/service\.windlass\.dev\/web\s.*busybox:latest/);
    const watching = follow(kubectl, server().kubeconfig, "get", "nodes", "-w");
    try {
      await watching.until(/node-c/);
      expect(await typed("patch", "node", "node-a", "--type=merge", "-p", '{"spec":{"availability":"drain"}}')).toMatchObject({
        code: 0,
      });
      await watching.until(/node-a\s.*drain/);
    } finally {
      watching.end();
    }
    const deleted = await typed("delete", "-f", fleet);
    expect(deleted).toMatchObject({ code: 0, err: "" });
    expect(deleted.out.trim().split("\n")).toHaveLength(5);
    expect((await typed("get", "nodes", "-o", "name")).out).toBe("");
  });

  it("explain, get -o yaml, label selectors and an apply of a change", async () => {
    await typed("apply", "-f", fleet);
    expect((await typed("explain", "node.spec.availability")).out).toContain("availability");
    expect((await typed("get", "node", "node-a", "-o", "yaml")).out).toContain("address: tcp://127.0.0.1:2375");
    expect((await typed("get", "nodes", "-l", "disk=ssd", "-o", "name")).out).toBe(
      "node.windlass.dev/node-a\nnode.windlass.dev/node-c\n",
    );
    expect((await typed("label", "node", "node-b", "disk=ssd", "--overwrite")).code).toBe(0);
    expect((await typed("get", "nodes", "-l", "disk=ssd", "-o", "name")).out.split("\n")).toHaveLength(4);
    expect((await typed("apply", "-f", fleet)).out).toContain("node.windlass.dev/node-b configured");
    const saved = path.join(folder(), "saved.yaml");
    await writeFile(saved, (await typed("get", "nodes,services", "-o", "yaml")).out);
    expect((await typed("apply", "-f", saved)).out).toMatch(/^(\S+ (configured|unchanged)\n){4}$/);
    expect((await typed("get", "node", "missing")).err).toContain('nodes.windlass.dev "missing" not found');
  });
});
