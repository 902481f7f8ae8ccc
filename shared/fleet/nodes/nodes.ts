/**
 * The node methods of a fleet, as the source's Cluster has them: register, unregister, look up, update. A node is named by its name or its
 * address. What they change is committed in transactions, so any number of callers may change one node at once, and none is lost.
 */
import { isDeepStrictEqual } from "node:util";
import type { Clock } from "../../base/clock.ts";
import type { Ids } from "../../base/ids.ts";
import { engineAt, type Node, nodeKind } from "../../kinds/node.ts";
import type { Cells } from "../../log/ports.ts";
import { dying, writeOrRemove } from "../../state/garbage/deletion.ts";
import type { Selector } from "../../state/selector.ts";
import type { Store } from "../../state/store.ts";
import type { ReadTable, Transaction } from "../../state/transaction.ts";
import { type CreationStatus, creationSpec } from "./creation-status.ts";
import { DuplicateNodeAddressError, NodeBusyError, NoSuchNodeError } from "./errors.ts";
import type { Hooks } from "./hooks.ts";
import { type Held, Leases } from "./lease.ts";
import { hasMetadata, withMetadata } from "./metadata.ts";
import { type NodeRegistration, nodeOf, otherNodeNameFor } from "./registration.ts";
import { isEnabled, isLeaving, type NodeStatusText, nodeStatusText } from "./status.ts";
import { healingPurpose, nodeLease } from "./treatment.ts";

export type NodesOptions = {
  readonly store: Store;
  readonly cells: Cells;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly hooks: Hooks;
};

/** What an update changes; all else stays. */
export type NodeChange = {
  /** Merged into what is there; an empty value removes its key. */
  readonly metadata?: Readonly<Record<string, string>>;
  readonly creationStatus?: CreationStatus;
};

/** Of the entries' actor. */
const actor = "fleet-nodes";

export class Nodes {
  readonly #options: NodesOptions;
  readonly #leases: Leases;

  constructor(options: NodesOptions) {
    const { store, cells, clock, ids } = options;
    this.#options = options;
    this.#leases = new Leases({ cells, uid: store.uid, clock, ids, owner: actor });
  }

  /**
   * Asks the beforeNodeRegister hooks, which may change the registration or veto it, then makes the node. Nobody asks the engine: the
   * healer does. @throws InvalidNodeError, DuplicateNodeAddressError, AlreadyExistsError (of a name that was given), a hook's error.
   */
  async register(registration: NodeRegistration): Promise<Node> {
    // What can't be a node at all no hook needs to see.
    nodeOf(registration);
    const hooked = await this.#options.hooks.run("beforeNodeRegister", registration);
    const node = nodeOf(hooked);
    const { value } = await this.#options.store.update(
      ({ nodes }) => {
        const [holder] = nodes.find(byAddress(node.spec.address));
        if (holder !== undefined) {
          const { name } = holder.metadata;
          throw new DuplicateNodeAddressError(node.spec.address, name, { isLeaving: isLeaving(holder) });
        }
        const isTaken = hooked.name === undefined && nodes.get(node.metadata.name) !== undefined;
        const metadata = isTaken ? { ...node.metadata, name: otherNodeNameFor(node.spec.address) } : node.metadata;
        return nodes.create({ ...node, metadata });
      },
      { actor },
    );
    return value;
  }

  /**
   * Asks the beforeNodeUnregister hooks for each node, in order, then removes them. Those that are not there are passed over, unless it
   * is all of them. One that tasks of services were given to is only marked: it goes when these have gone (reconcile/hold.ts), and no
   * other node of its address is registered before. @throws NoSuchNodeError, a hook's error: nothing was removed.
   */
  async unregister(...references: readonly string[]): Promise<void> {
    const { store, hooks } = this.#options;
    const { value: found } = await store.view(({ nodes }) => references.flatMap((one) => findIn(nodes, one) ?? []));
    for (const node of found) await hooks.run("beforeNodeUnregister", node);
    let removed = 0;
    const steps = found.map(({ metadata }, index) => (transaction: Transaction) => {
      // A batch may run its steps again.
      if (index === 0) removed = 0;
      if (remove(transaction, metadata.name, metadata.uid)) removed += 1;
    });
    if (steps.length > 0) await store.batch(steps, { actor });
    if (removed === 0) throw new NoSuchNodeError(references.join(", "));
  }

  /** By name, or by address in any form. @throws NoSuchNodeError */
  async get(reference: string): Promise<Node> {
    const { value: node } = await this.#options.store.view(({ nodes }) => findIn(nodes, reference));
    if (node === undefined) throw new NoSuchNodeError(reference);
    return node;
  }

  /**
   * Those that take new containers: not switched off, not disabled at the moment, not given up. In the order of their names. Nobody's
   * lease is asked for: a failure is worked on for as long as its commit takes, and then the node is disabled.
   */
  async nodes(): Promise<readonly Node[]> {
    const now = this.#options.clock.now();
    return (await this.unfilteredNodes()).filter((node) => isEnabled(node, now));
  }

  /** Of those, the ones that have all of these pairs. */
  async nodesForMetadata(metadata: Readonly<Record<string, string>>): Promise<readonly Node[]> {
    return (await this.nodes()).filter((node) => hasMetadata(node, metadata));
  }

  async unfilteredNodes(): Promise<readonly Node[]> {
    return (await this.#options.store.view(({ nodes }) => nodes.find())).value;
  }

  async unfilteredNodesForMetadata(metadata: Readonly<Record<string, string>>): Promise<readonly Node[]> {
    return (await this.unfilteredNodes()).filter((node) => hasMetadata(node, metadata));
  }

  /** @throws NoSuchNodeError, also when another node has taken its place; NodeBusyError while a failure of it is worked on; InvalidNodeError. */
  update(reference: string, change: NodeChange): Promise<Node> {
    return this.atomicUpdate(reference, () => change);
  }

  /**
   * Changes the node by what `decide` makes of it as it is then. It must be synchronous and may run several times; what it throws comes
   * out unchanged, with nothing written. @throws as `update`.
   */
  async atomicUpdate(reference: string, decide: (node: Node) => NodeChange): Promise<Node> {
    const before = await this.get(reference);
    const held = await this.#healing(before);
    if (held !== undefined) throw new NodeBusyError(before.metadata.name, held);
    const { value } = await this.#options.store.update(
      ({ nodes }) => {
        const node = findIn(nodes, reference);
        // Another one by now: nobody has asked whether that is worked on.
        if (node?.metadata.uid !== before.metadata.uid) throw new NoSuchNodeError(reference);
        const changed = changedBy(node, decide(node));
        return isDeepStrictEqual(changed, node) ? node : nodes.update(changed);
      },
      { actor },
    );
    return value;
  }

  /** The source's Status, with "healing" while somebody works on a failure of it. */
  async status(node: Node): Promise<NodeStatusText> {
    return nodeStatusText(node, this.#options.clock.now(), (await this.#healing(node))?.until);
  }

  async #healing({ metadata }: Node): Promise<Held | undefined> {
    const held = await this.#leases.holder(nodeLease(metadata.uid));
    return held?.purpose === healingPurpose ? held : undefined;
  }
}

const byAddress = (address: string): Selector => ({ by: "index", index: "address", value: engineAt(address) });

function findIn(nodes: ReadTable<Node>, reference: string): Node | undefined {
  if (reference === "") return undefined;
  return reference.includes("/") ? nodes.find(byAddress(reference))[0] : nodes.get(reference);
}

function changedBy(node: Node, { metadata = {}, creationStatus }: NodeChange): Node {
  const changed: Node = { ...node, metadata: withMetadata(node.metadata, metadata) };
  return creationStatus === undefined ? changed : creationSpec(changed, creationStatus);
}

/** As an interface's DELETE does: one that finalizers hold is marked, and goes with the last of them. */
function remove(transaction: Transaction, name: string, uid: string): boolean {
  const current = transaction.nodes.get(name);
  if (current === undefined || current.metadata.uid !== uid) return false;
  if (isLeaving(current)) return true;
  writeOrRemove(transaction, nodeKind, dying(nodeKind, current, { propagation: undefined, now: transaction.context.now }));
  return true;
}
