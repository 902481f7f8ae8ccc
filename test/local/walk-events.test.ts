/**
 * Events, a Scale that is applied and the control plane's address, typed into the machine's kubectl and Debian's old one: what people look at first
 * when something is wrong.
 */
import { writeFile } from "node:fs/promises";
import path from "node:path";
import { beforeAll, expect, it } from "vitest";
import { follow, kubectls } from "./kubectl.ts";
import { fleet, onEach } from "./walks.ts";

const found = await kubectls();

onEach(found, ({ kubectl, folder, server, typed, out }) => {
  const isOld = kubectl.version.startsWith("v1.20.");

  const file = async (name: string, text: string): Promise<string> => {
    const at = path.join(folder(), name);
    await writeFile(at, text);
    return at;
  };
  /** As a recorder writes it of a node. */
  const event = async (name: string, reason: string) => {
    const uid = await out("get", "node", "node-a", "-o", "jsonpath={.metadata.uid}");
    const now = new Date().toISOString();
    const involvedObject = { apiVersion: "windlass.dev/v1", kind: "Node", name: "node-a", uid };
    const fields = { reason, message: "it does not answer", type: "Warning", count: 3, source: { component: "healer" } };
    const times = { firstTimestamp: now, lastTimestamp: now };
    return file(
      `${name}.json`,
      JSON.stringify({ apiVersion: "v1", kind: "Event", metadata: { name }, involvedObject, ...fields, ...times }),
    );
  };

  beforeAll(async () => {
    await out("apply", "-f", fleet);
  });

  it("events are made, listed, described with their object, counted up and deleted", async () => {
    expect((await typed("get", "events")).err).toContain("No resources found");
    expect(await out("create", "-f", await event("node-a.1", "NodeNotReady"))).toBe("event/node-a.1 created\n");
    const [head, row] = (await out("get", "events")).split("\n");
    expect(head).toMatch(/^LAST SEEN +TYPE +REASON +OBJECT +MESSAGE$/);
    expect(row).toMatch(/^\d+s +Warning +NodeNotReady +node\/node-a +it does not answer$/);
    expect(await out("get", "ev", "-A", "-o", "wide")).toMatch(/healer +it does not answer +\d+s +3 +node-a\.1/);
    expect(await out("describe", "node", "node-a")).toMatch(
      /Events:\n[\s\S]*Warning +NodeNotReady +\S+.*\(x3 over .*healer +it does not answer/,
    );
    expect(await out("describe", "node", "node-b")).toMatch(/^Events: +<none>$/m);
    if (!isOld) expect(await out("events", "--for", "node/node-a")).toMatch(/\(x3 over .*Warning +NodeNotReady +Node\/node-a/);
    await out("patch", "event", "node-a.1", "--type=strategic", "-p", '{"count":4}');
    expect(await out("get", "event", "node-a.1", "-o", "jsonpath={.count}")).toBe("4");
    expect(await out("annotate", "event", "node-a.1", "seen=yes")).toContain("annotated");
    expect(await out("auth", "can-i", "create", "events")).toBe("yes\n");
    expect(await out("explain", "event.involvedObject")).toContain("uid");
    expect(await out("api-resources", "--api-group=")).toMatch(/^events +ev +v1 +true +Event$/m);
    expect(await out("delete", "events", "--all")).toBe('event "node-a.1" deleted\n');
    expect((await typed("get", "events")).err).toContain("No resources found");
  });

  it("lists come in chunks of any size, whole and each once", async () => {
    const names = ["a", "b", "c", "d", "e"].map((letter) => `chunk-${letter}`);
    for (const name of names) await out("create", "-f", await event(name, "Chunked"));
    const listed = await out("get", "events", "--chunk-size=2", "-o", "name");
    expect(listed.trim().split("\n")).toEqual(names.map((name) => `event/${name}`));
    expect((await out("get", "events", "--chunk-size=2", "--no-headers")).trim().split("\n")).toHaveLength(5);
    expect((await out("delete", "events", "--field-selector=reason=Chunked")).trim().split("\n")).toHaveLength(5);
    const applied = await typed("apply", "--server-side", "-f", await event("applied", "Applied"));
    expect(applied.err).toContain("events have no managedFields");
    expect((await typed("get", "events")).err).toContain("No resources found");
  });

  it("who watches hears of what is new, changed and gone, each once", async () => {
    await out("create", "-f", await event("first", "First"));
    const watching = follow(kubectl, server().kubeconfig, "get", "events", "-w", "--output-watch-events", "--no-headers");
    try {
      await watching.until(/ADDED .*First/);
      await out("create", "-f", await event("second", "Second"));
      await watching.until(/ADDED .*Second/);
      await out("patch", "event", "second", "--type=merge", "-p", '{"reason":"Third"}');
      await watching.until(/MODIFIED .*Third/);
      await out("delete", "event", "second");
      const all = await watching.until(/DELETED .*Third/);
      expect(all.match(/ADDED/g)).toHaveLength(2);
    } finally {
      watching.end();
    }
  });

  it("a Scale is applied as an object is", async () => {
    const scale = '{"apiVersion":"autoscaling/v1","kind":"Scale","metadata":{"name":"web"},"spec":{"replicas":4}}';
    const at = "/apis/windlass.dev/v1/namespaces/default/services/web/scale?fieldManager=hpa&force=true";
    const answer = await fetch(`http://127.0.0.1:${server().port}${at}`, {
      method: "PATCH",
      headers: { authorization: `Bearer ${server().token}`, "content-type": "application/apply-patch+yaml" },
      body: scale,
    });
    expect([answer.status, await answer.json()]).toMatchObject([200, { kind: "Scale", spec: { replicas: 4 } }]);
    expect(await out("get", "service", "web", "-o", "jsonpath={.spec.replicas}")).toBe("4");
  });

  it("cluster-info says where the control plane is", async () => {
    expect(await out("cluster-info")).toContain(`https://127.0.0.1:${server().port}`);
    expect((await typed("get", "services", "-n", "kube-system", "-l", "kubernetes.io/cluster-service=true")).err).toContain(
      "No resources found",
    );
  });
});
