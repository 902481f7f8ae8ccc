/** `kubectl apply --server-side` and what belongs to it, typed into real kubectls against the embedded server. */
import { readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { expect, it } from "vitest";
import { kubectls } from "./kubectl.ts";
import { fleet, onEach } from "./walks.ts";

const found = await kubectls();

onEach(found, ({ kubectl, folder, typed }) => {
  const minor = Number(kubectl.version.split(".")[1]);

  /** The example with one word of it changed. */
  async function changed(from: string, to: string): Promise<string> {
    const file = path.join(folder(), "changed.yaml");
    await writeFile(file, (await readFile(fleet, "utf8")).replace(from, to));
    return file;
  }

  const managers = async (object: string) =>
    (await typed("get", object, "-o", "jsonpath={range .metadata.managedFields[*]}{.manager} {.operation}{'\\n'}{end}")).out
      .trim()
      .split("\n");

  it("a fleet is applied, again without a change, and diff tells what would be", async () => {
    const applied = await typed("apply", "--server-side", "-f", fleet);
    expect([applied.code, applied.err]).toEqual([0, ""]);
    expect(applied.out).toMatch(/^(\S+ serverside-applied\n){5}$/);
    const version = () => typed("get", "service", "web", "-o", "jsonpath={.metadata.resourceVersion}");
    const before = await version();
    expect((await typed("apply", "--server-side", "-f", fleet)).code).toBe(0);
    expect(await version()).toEqual(before);
    expect(await managers("service/web")).toEqual(["kubectl Apply"]);
    expect(await typed("diff", "--server-side", "-f", fleet)).toMatchObject({ code: 0, out: "" });
    const diff = await typed("diff", "--server-side", "-f", await changed("replicas: 3", "replicas: 5"));
    expect(diff.code).toBe(1);
    expect(diff.out).toMatch(/^-\s+replicas: 3\n\+\s+replicas: 5$/m);
    expect(await version()).toEqual(before);
  });

  it("a conflict says who owns what; it is forced, or another manager comes to share", async () => {
    await typed("apply", "--server-side", "-f", fleet);
    await typed("label", "node", "node-a", "zone=elsewhere", "--overwrite");
    const refused = await typed("apply", "--server-side", "-f", fleet);
    expect(refused.code).toBe(1);
    expect(refused.err).toMatch(
      /Apply failed with 1 conflict: conflict with "kubectl\S*" using windlass\.dev\/v1: \.metadata\.labels\.zone/,
    );
    expect(refused.err).toContain("--force-conflicts");
    const forced = await typed("apply", "--server-side", "--force-conflicts", "-f", fleet);
    expect([forced.code, forced.err]).toEqual([0, ""]);
    expect(await managers("node/node-a")).toEqual(["kubectl Apply"]);
    const shared = await typed("apply", "--server-side", "--field-manager=second", "-f", fleet);
    expect([shared.code, shared.err]).toEqual([0, ""]);
    expect((await managers("node/node-a")).sort()).toEqual(["kubectl Apply", "second Apply"]);
    const shown = await typed("get", "node", "node-a", "-o", "yaml", ...(minor >= 21 ? ["--show-managed-fields"] : []));
    expect(shown.out).toMatch(/managedFields:[\s\S]*f:labels:[\s\S]*f:zone: \{\}[\s\S]*manager: second/);
  });

  it("client-side applied objects come over, also what was changed on the way", async () => {
    await typed("delete", "-f", fleet);
    await typed("apply", "-f", fleet);
    const file = await changed("replicas: 3", "replicas: 5");
    const diff = await typed("diff", "-f", file);
    expect([diff.code, diff.out.includes("+  replicas: 5")]).toEqual([1, true]);
    const applied = await typed("apply", "--server-side", "-f", file);
    expect([applied.code, applied.err]).toEqual([0, ""]);
    expect((await typed("get", "service", "web", "-o", "jsonpath={.spec.replicas}")).out).toBe("5");
    // kubectl takes its own client-side entry over from 1.26 on.
    if (minor >= 26) expect(await managers("service/web")).toEqual(["kubectl Apply", "kubectl-last-applied Apply"]);
    expect((await typed("apply", "--server-side", "-f", file)).code).toBe(0);
  });

  it("a dry run changes nothing", async () => {
    const file = await changed("availability: pause", "availability: drain");
    const dry = await typed("apply", "--server-side", "--dry-run=server", "-f", file);
    expect([dry.code, dry.err]).toEqual([0, ""]);
    expect((await typed("get", "node", "node-c", "-o", "jsonpath={.spec.availability}")).out).toBe("pause");
  });
});
