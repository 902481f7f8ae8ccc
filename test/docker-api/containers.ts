/** Container objects for lists, as the agents write them. */
import { createHash } from "node:crypto";
import { type Container, containerKind } from "../../shared/kinds/container.ts";
import { apiVersion } from "../../shared/kinds/object.ts";
import type { Store } from "../../shared/state/store.ts";

export const idOf = (text: string): string => createHash("sha256").update(text).digest("hex");

export type Given = {
  readonly name: string;
  readonly node?: string;
  readonly image?: string;
  readonly origin?: "user" | "task" | "foreign";
  readonly status?: Partial<NonNullable<Container["status"]>>;
};

/** Commits them, in their order. */
export async function addContainers(store: Store, all: readonly Given[]): Promise<void> {
  const steps = all.map(
    ({ name, node: nodeName = "node-a", image = "busybox", origin = "user", status }) =>
      (transaction: Tables) => {
        const spec = containerKind.spec.parse({
          nodeName,
          origin,
          image,
          ...(origin === "task" && { taskName: name }),
          ...(origin !== "foreign" && { containerName: name, attempt: { id: `wl-${idOf(name).slice(0, 24)}` } }),
        });
        transaction.containers.create({
          apiVersion,
          kind: "Container",
          metadata: { name: `c-${idOf(`${nodeName} ${name}`).slice(0, 20)}`, namespace: "default" },
          spec,
          status: { state: "running", containerId: idOf(name), engineName: name, ...status },
        });
      },
  );
  await store.batch(steps, { actor: "test" });
}

type Tables = Parameters<Parameters<Store["update"]>[0]>[0];

/** Runs until it is asked to end. */
export const idle = ["sh", "-c", "trap 'exit 0' TERM; sleep 3600"];
