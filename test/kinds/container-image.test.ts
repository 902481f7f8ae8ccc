/** Container and Image: what their schemas refuse, and what tables and indexes show of them. */
import { describe, expect, it } from "vitest";
import { type Container, containerKind, reservedPortsMax } from "../../shared/kinds/container.ts";
import { type Image, imageIdsMax, imageKind, imageNodesMax } from "../../shared/kinds/image.ts";

const metadata = { name: "web-1", namespace: "default", uid: "u", resourceVersion: "1", generation: 1, creationTimestamp: "" };
const envelope = { apiVersion: "windlass.dev/v1", metadata };
const id = "ab".repeat(32);
const imageId = `sha256:${id}`;

const containerOf = (spec: object, status?: object): Container => ({
  ...envelope,
  kind: "Container",
  spec: containerKind.spec.parse(spec),
  ...(status && { status: containerKind.status.parse(status) }),
});
const problems = (spec: object): readonly string[] =>
  containerKind.spec.safeParse(spec).error?.issues.map((issue) => `${issue.path.join(".")}: ${issue.message}`) ?? [];

describe("Container", () => {
  const task = { nodeName: "node-a", origin: "task", taskName: "web.1", image: "nginx:1", attempt: { id: "attempt-1" } };

  it("one of a task names it; others do not", () => {
    expect(problems(task)).toEqual([]);
    expect(problems({ ...task, taskName: undefined })).toEqual(["taskName: must be given with origin task, and only then"]);
    expect(problems({ ...task, origin: "user" })).toEqual(["taskName: must be given with origin task, and only then"]);
    expect(problems({ ...task, origin: "user", taskName: undefined, taskUid: "u" })).toEqual([
      "taskUid: must be absent but with origin task",
    ]);
  });

  it("a foreign one has no attempt: it was not made here", () => {
    const foreign = { nodeName: "node-a", image: "nginx:1" };
    expect(containerOf(foreign).spec.origin).toBe("foreign");
    expect(problems({ ...foreign, attempt: { id: "attempt-1" } })).toEqual(["attempt: must be absent with origin foreign"]);
  });

  it("a name is one that engines take", () => {
    for (const containerName of ["a", "/web", "a b", "a/b", "-a"]) {
      expect(problems({ ...task, containerName }), containerName).toHaveLength(1);
    }
    expect(problems({ ...task, containerName: "web_1.a-b" })).toEqual([]);
  });

  it("what it takes of its node is bounded", () => {
    const taking = (reservations: object) => problems({ ...task, reservations });
    const ports = (count: number) => Array.from({ length: count }, (_, n) => `${n + 1}/tcp`);
    expect(taking({ cpus: 0.5, memory: 1, hostPorts: ports(reservedPortsMax) })).toEqual([]);
    expect(taking({ hostPorts: ports(reservedPortsMax + 1) })).toHaveLength(1);
    for (const wrong of [{ cpus: 0 }, { cpus: 10_001 }, { memory: 0.5 }, { hostPorts: ["80"] }, { hostPorts: ["0/tcp"] }])
      expect(taking(wrong), JSON.stringify(wrong)).toHaveLength(1);
  });

  it("people's and found ones take room on their node until they end; a task speaks for its own", () => {
    const standing = (spec: object, state?: string) =>
      containerKind.indexes["standing"]?.(containerOf(spec, state === undefined ? undefined : { state }));
    const own = { nodeName: "node-a", origin: "user", image: "nginx:1" };
    expect(standing(own)).toEqual(["node-a"]);
    for (const state of ["creating", "created", "running", "paused", "restarting"])
      for (const origin of ["user", "foreign"])
        expect(standing({ ...own, origin }, state), `${origin} ${state}`).toEqual(["node-a"]);
    for (const state of ["removing", "exited", "dead", "lost"]) expect(standing(own, state), state).toEqual([]);
    expect(standing(task, "running")).toEqual([]);
  });

  it("its row and what it stands under", () => {
    const ports = [
      { containerPort: 80, hostPort: 8080 },
      { containerPort: 53, protocol: "udp" },
    ];
    const status = { state: "exited", exitCode: 3, containerId: id, command: "nginx", ports };
    const container = containerOf({ ...task, containerName: "web" }, status);
    expect(containerKind.cells(container)).toEqual([
      "web",
      "node-a",
      "nginx:1",
      "exited (3)",
      "",
      "8080->80/tcp,53/udp",
      "web.1",
      id.slice(0, 12),
      "nginx",
      "",
    ]);
    const indexes = Object.entries(containerKind.indexes).map(([name, values]) => [name, values(container)]);
    expect(Object.fromEntries(indexes)).toEqual({
      node: ["node-a"],
      task: ["default/web.1"],
      containerName: ["web"],
      containerId: [id],
      shortId: [id.slice(0, 12)],
      attempt: ["attempt-1"],
      network: [],
      standing: [],
    });
    expect(containerKind.cells(containerOf(task)).length).toBe(containerKind.columns.length);
  });
});

describe("Image", () => {
  const placed = (nodeName: string) => ({ nodeName, imageId });

  it("is named by a reference, with a tag or a whole digest", () => {
    for (const reference of ["127.0.0.1:5000/web:1", `web@${imageId}`])
      expect(imageKind.spec.safeParse({ reference }).success).toBe(true);
    for (const reference of ["", "a b", "web@sha256:12"]) expect(imageKind.spec.safeParse({ reference }).success).toBe(false);
  });

  it("its history is bounded", () => {
    const seen = (nodes: number) => ({ imageId, nodeNames: Array.from({ length: nodes }, (_, n) => `node-${n}`) });
    const accepts = (ids: number, nodes: number) =>
      imageKind.status.safeParse({ history: Array.from({ length: ids }, () => seen(nodes)) }).success;
    expect([accepts(imageIdsMax, 1), accepts(imageIdsMax + 1, 1)]).toEqual([true, false]);
    expect([accepts(1, imageNodesMax), accepts(1, imageNodesMax + 1)]).toEqual([true, false]);
  });

  it("its row and what it stands under", () => {
    const history = [
      { imageId, nodeNames: ["node-a", "node-b"] },
      { imageId: `sha256:${"cd".repeat(32)}`, nodeNames: ["node-a"] },
    ];
    const image: Image = {
      ...envelope,
      kind: "Image",
      spec: imageKind.spec.parse({ reference: "web:1" }),
      status: imageKind.status.parse({ history, last: placed("node-b"), digest: imageId, sizeBytes: 7 }),
    };
    expect(imageKind.cells(image)).toEqual(["web:1", 2, imageId.slice(0, 19), 7, "node-b", ""]);
    expect(imageKind.indexes["node"]?.(image)).toEqual(["node-a", "node-b"]);
    expect(imageKind.indexes["reference"]?.(image)).toEqual(["web:1"]);
  });
});
