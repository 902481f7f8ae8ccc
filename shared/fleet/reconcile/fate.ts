/** What a node's condition means for the tasks on it: whether they stay, and since when it is given up. */
import type { Node } from "../../kinds/node.ts";
import type { Task } from "../../kinds/task.ts";
import type { Template } from "../../kinds/template.ts";
import { isLeaving } from "../nodes/status.ts";
import { meetsAll } from "../placement/constraints.ts";
import { demandOf } from "../placement/demand.ts";
import type { Policy, World } from "./world.ts";
import { timeOf } from "./world.ts";

/**
 * fine: the task stays; lost: its node is given up, and with it its container; unfit: it must stop there and go elsewhere.
 * `until`: when it will be lost if nothing changes.
 */
export type Fate = { readonly kind: "fine"; readonly until?: number } | { readonly kind: "lost" | "unfit"; readonly why: string };

const fine: Fate = { kind: "fine" };

export class Fates {
  readonly #nodes: ReadonlyMap<string, Node>;
  readonly #ofNodes = new Map<string, Fate>();
  readonly #now: number;
  readonly #policy: Policy;

  constructor({ nodes, now }: Pick<World, "nodes" | "now">, policy: Policy) {
    this.#nodes = new Map(nodes.map((node) => [node.metadata.name, node]));
    this.#now = now;
    this.#policy = policy;
  }

  /** One that has no node has nothing to lose. */
  of({ spec }: Task): Fate {
    if (spec.nodeName === undefined) return fine;
    const ofNode = this.ofNode(spec.nodeName);
    const { constraints } = demandOf(spec.template);
    if (ofNode.kind !== "fine" || constraints.length === 0) return ofNode;
    const node = this.#nodes.get(spec.nodeName);
    if (node === undefined || meetsAll(node, constraints)) return ofNode;
    return { kind: "unfit", why: `node ${spec.nodeName} no longer satisfies the scheduling constraints` };
  }

  /** Whether the node of that name meets a template's constraints; one that is gone is another matter. */
  fits(name: string, template: Template): boolean {
    const node = this.#nodes.get(name);
    return node === undefined || meetsAll(node, demandOf(template).constraints);
  }

  /** Whether its node is being removed. */
  isLeaving({ spec }: Task): boolean {
    const node = spec.nodeName === undefined ? undefined : this.#nodes.get(spec.nodeName);
    return node !== undefined && isLeaving(node);
  }

  ofNode(name: string): Fate {
    let fate = this.#ofNodes.get(name);
    if (fate === undefined) {
      fate = this.#judge(name);
      this.#ofNodes.set(name, fate);
    }
    return fate;
  }

  #judge(name: string): Fate {
    const node = this.#nodes.get(name);
    if (node === undefined) return { kind: "lost", why: `node ${name} was removed` };
    const { state, since } = node.status ?? {};
    if (state === "down") return { kind: "lost", why: `node ${name} is down` };
    const until = timeOf(since, Number.POSITIVE_INFINITY) + this.#policy.lossGraceMs;
    const isSilent = state === "disconnected" || state === "unknown";
    if (isSilent && until <= this.#now) return { kind: "lost", why: `node ${name} has not answered since ${since}` };
    if (isLeaving(node)) return { kind: "unfit", why: `node ${name} is being removed` };
    if (node.spec.availability === "drain") return { kind: "unfit", why: `node ${name} is drained` };
    if (node.spec.membership !== "accepted") return { kind: "unfit", why: `node ${name} is not accepted` };
    return isSilent && Number.isFinite(until) ? { kind: "fine", until } : fine;
  }
}
