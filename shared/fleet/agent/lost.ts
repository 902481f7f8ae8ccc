/**
 * What becomes of the objects of containers whose node is down or was taken away: nobody can look, so they are shown as lost. A node that
 * was taken away keeps those that people made, for it may come back, and then an object that is missing would make them stale.
 */
import type { Container } from "../../kinds/container.ts";
import type { Node } from "../../kinds/node.ts";
import type { Store } from "../../state/store.ts";
import type { Transaction } from "../../state/transaction.ts";
import { isOver } from "../reconcile/world.ts";
import type { Commits } from "./commits.ts";
import { remove, taskOf } from "./observe.ts";

/** Commits what is to be said of them, if anything is. @throws what the store does. */
export async function tellLost({ store, commits }: { readonly store: Store; readonly commits: Commits }): Promise<void> {
  const { value: found } = await store.view((transaction) => {
    const nodes = new Map(transaction.nodes.find().map((node) => [node.metadata.name, node]));
    if ([...nodes.values()].every((node) => !isDown(node)) && !hasOrphans(transaction, nodes)) return [];
    return transaction.containers.find().filter((container) => stepFor(transaction, container) !== undefined);
  });
  await Promise.all(
    found.map(({ metadata }) =>
      commits.run((transaction) => {
        const current = transaction.containers.get(metadata.name, metadata.namespace);
        if (current !== undefined) stepFor(transaction, current)?.();
      }),
    ),
  );
}

const hasOrphans = ({ containers }: Transaction, nodes: ReadonlyMap<string, Node>): boolean =>
  containers.find().some(({ spec }) => !nodes.has(spec.nodeName));

const isDown = (node: Node): boolean => node.status?.state === "down";

function stepFor(transaction: Transaction, container: Container): (() => void) | undefined {
  const { nodeName, origin } = container.spec;
  const node = transaction.nodes.get(nodeName);
  if (node === undefined) {
    const task = taskOf(transaction, container);
    const isForgotten = origin === "foreign" || (origin === "task" && (task === undefined || isOver(task)));
    return isForgotten ? () => remove(transaction, container) : lost(transaction, container, `node ${nodeName} was removed`);
  }
  return isDown(node) ? lost(transaction, container, `node ${nodeName} is down`) : undefined;
}

function lost({ containers }: Transaction, container: Container, message: string): (() => void) | undefined {
  const { status } = container;
  if (status?.state === "lost" && status.message === message) return undefined;
  return () => void containers.update({ ...container, status: { ...status, state: "lost", message } });
}
