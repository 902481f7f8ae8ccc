/**
 * What people type beside the README's first walk, into the machine's kubectl, Debian's old one and the newest: patches and edits,
 * outputs and pages, waiting, comparing, and asking what there is. Where the old one does not know a word yet, it is left out.
 */
import { readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { beforeAll, expect, it } from "vitest";
import { allKubectls } from "../clients/kubectls.ts";
import { follow } from "./kubectl.ts";
import { fleet, onEach } from "./walks.ts";

const found = await allKubectls();

onEach(found, ({ kubectl, folder, server, typed, out }) => {
  const isOld = kubectl.version.startsWith("v1.20.");

  beforeAll(async () => {
    await out("apply", "-f", fleet);
  });

  it("patches by merge and by JSON patch; a strategic one is refused as for every custom kind", async () => {
    const patch = (kind: string, text: string) => typed("patch", "node", "node-b", `--type=${kind}`, "-p", text);
    expect((await patch("merge", '{"spec":{"availability":"drain"}}')).out).toBe("node.windlass.dev/node-b patched\n");
    const tested =
      '[{"op":"test","path":"/spec/availability","value":"drain"},{"op":"replace","path":"/spec/availability","value":"active"}]';
    expect((await patch("json", tested)).code).toBe(0);
    expect((await patch("json", tested)).err).toContain("testing value /spec/availability failed");
    const strategic = await patch("strategic", '{"spec":{"availability":"drain"}}');
    expect([strategic.code, strategic.err]).toEqual([1, expect.stringContaining("application/merge-patch+json")]);
  });

  it("labels, annotates and edits", async () => {
    await out("label", "node", "node-c", "color=red");
    await out("annotate", "node", "node-c", "note=hello");
    const editor = path.join(folder(), "editor.sh");
    await writeFile(editor, '#!/bin/sh\nsed -i "s/color: red/color: blue/" "$1"\n', { mode: 0o755 });
    const before = process.env["KUBE_EDITOR"];
    process.env["KUBE_EDITOR"] = editor;
    try {
      expect(await out("edit", "node", "node-c")).toBe("node.windlass.dev/node-c edited\n");
    } finally {
      if (before === undefined) delete process.env["KUBE_EDITOR"];
      else process.env["KUBE_EDITOR"] = before;
    }
    expect(await out("get", "node", "node-c", "-o", "jsonpath={.metadata.labels.color} {.metadata.annotations.note}")).toBe(
      "blue hello",
    );
  });

  it("prints names, paths, columns, in the order asked for and in pages", async () => {
    const names = "node.windlass.dev/node-a\nnode.windlass.dev/node-b\nnode.windlass.dev/node-c\n";
    expect(await out("get", "nodes", "-o", "name", "--sort-by=.metadata.name")).toBe(names);
    expect(await out("get", "nodes", "-o", "name", "--chunk-size=1")).toBe(names);
    expect((await out("get", "nodes", "--chunk-size=2")).trim().split("\n")).toHaveLength(4);
    expect(await out("get", "nodes", "-o", "jsonpath={.items[*].spec.role}")).toBe("worker worker worker");
    const columns = await out("get", "nodes", "--no-headers", "-o", "custom-columns=N:.metadata.name,A:.spec.address");
    expect(columns).toMatch(/^node-a +tcp:\/\/127\.0\.0\.1:2375\nnode-b +tcp.*\nnode-c +tcp.*\n$/);
    expect(await out("get", "nodes", "-o", "name", "--field-selector=spec.availability=pause")).toBe(
      "node.windlass.dev/node-c\n",
    );
    const raw = JSON.parse(await out("get", "--raw", "/apis/windlass.dev/v1/nodes?limit=1")) as { kind: string };
    expect(raw.kind).toBe("NodeList");
    expect(await out("describe", "node", "node-a")).toMatch(/^Name: +node-a\n[\s\S]*Availability: +active/);
    expect(await out("get", "all", "-o", "name")).toContain("service.windlass.dev/web");
  });

  it("tells what there is", async () => {
    expect(await out("api-resources", "--api-group=windlass.dev")).toMatch(/^nodes +no +windlass\.dev\/v1 +false +Node$/m);
    expect(await out("api-versions")).toContain("windlass.dev/v1\n");
    expect(await out("explain", "service", "--recursive")).toMatch(/^ +template\s+<Object>[\s\S]*^ +image\s/m);
  });

  it("compares, scales, replaces and refuses to create twice", async () => {
    const changed = path.join(folder(), "changed.yaml");
    await writeFile(changed, (await readFile(fleet, "utf8")).replace("busybox:latest", "busybox:1.36"));
    const difference = await typed("diff", "-f", changed);
    expect([difference.code, difference.err]).toEqual([1, ""]);
    expect(difference.out).toMatch(/^-\s+image: busybox:latest\n\+\s+image: busybox:1\.36$/m);
    expect(await out("scale", "service", "web", "--replicas=5")).toContain("scaled");
    expect(await out("get", "service", "web", "-o", "jsonpath={.spec.replicas}")).toBe("5");
    expect((await typed("create", "-f", fleet)).err).toContain('nodes.windlass.dev "node-a" already exists');
    expect((await out("replace", "-f", fleet)).trim().split("\n")).toHaveLength(5);
  });

  it("watches, waits for a field, a condition and an end", async () => {
    const watching = follow(kubectl, server().kubeconfig, "get", "nodes", "-w", "-l", "zone=b");
    try {
      await watching.until(/node-b/);
      if (!isOld) {
        const waiting = out("wait", "node/node-b", "--for=jsonpath={.spec.availability}=drain", "--timeout=30s");
        await out("patch", "node", "node-b", "--type=merge", "-p", '{"spec":{"availability":"drain"}}');
        expect(await waiting).toContain("condition met");
        await watching.until(/node-b .*drain/);
      }
    } finally {
      watching.end();
    }
    const conditions = { type: "Ready", status: "True", lastTransitionTime: "2026-01-02T03:04:05Z" };
    const status = { status: { state: "ready", conditions: [conditions] } };
    const waiting = out("wait", "node/node-a", "--for=condition=Ready", "--timeout=30s");
    const current = await server().ask("GET", "/apis/windlass.dev/v1/nodes/node-a");
    const put = await server().ask("PUT", "/apis/windlass.dev/v1/nodes/node-a/status", {
      ...JSON.parse(current.body),
      ...status,
    });
    expect([put.status, put.status === 200 ? "" : put.body]).toEqual([200, ""]);
    expect(await waiting).toContain("condition met");
    await out("patch", "node", "node-b", "--type=merge", "-p", '{"metadata":{"finalizers":["example.com/held"]}}');
    await out("delete", "node", "node-b", "--wait=false");
    const held = await typed("wait", "node/node-b", "--for=delete", "--timeout=1s");
    expect([held.code, held.err]).toEqual([1, expect.stringContaining("timed out")]);
    const gone = isOld ? undefined : out("wait", "node/node-b", "--for=delete", "--timeout=30s");
    await out("patch", "node", "node-b", "--type=merge", "-p", '{"metadata":{"finalizers":null}}');
    await gone;
    expect(await out("delete", "nodes", "--all")).toMatch(/"node-a" deleted[\s\S]*"node-c" deleted/);
  });
});
