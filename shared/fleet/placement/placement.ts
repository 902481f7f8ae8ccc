/**
 * Places tasks on nodes: the rules leave those that fit, a strategy chooses among them. One Placement serves one round; what it places
 * takes room for what comes after. Many of one template are placed together, so that each node is judged once for all of them.
 */
import type { Node } from "../../kinds/node.ts";
import type { Template } from "../../kinds/template.ts";
import { isDisabled } from "../nodes/status.ts";
import { demandOf } from "./demand.ts";
import { Room, type Tenant } from "./room.ts";
import { explain, type Rule, refusalOf, rulesFor } from "./rules.ts";
import { type Strategy, type StrategyName, strategies } from "./strategies.ts";

export type PlacementOptions = {
  readonly nodes: readonly Node[];
  /** Where a template names none; a function is a caller's own. */
  readonly strategy: StrategyName | Strategy;
  /** For random placement: the same gives the same. */
  readonly seed: number;
  /** Whether any template that will be placed has affinities. */
  readonly hasAffinities: boolean;
  /** Nodes that are disabled then take nothing new, milliseconds since 1970. Absent: the caller has left them out. */
  readonly now?: number;
};

export type Placed = {
  /** The names of the nodes, one a task; fewer than asked for where no more fit. */
  readonly nodes: readonly string[];
  /** Given when not all were placed: which rule refused how many nodes. */
  readonly refusal?: string;
};

export class Placement {
  readonly #rooms: readonly Room[];
  readonly #byName: ReadonlyMap<string, Room>;
  readonly #strategy: StrategyName | Strategy;
  readonly #seed: number;
  /** For round robin: the node that got the last task of each service. */
  readonly #last = new Map<string, number>();

  constructor({ nodes, strategy, seed, hasAffinities, now }: PlacementOptions) {
    const sorted = nodes.toSorted((one, other) => (one.metadata.name < other.metadata.name ? -1 : 1));
    const isClosed = (node: Node): boolean => now !== undefined && isDisabled(node, now);
    const hasTraits = hasAffinities;
    this.#rooms = sorted.map((node, index) => new Room(node, { index, hasTraits, isClosed: isClosed(node) }));
    this.#byName = new Map(this.#rooms.map((room) => [room.node.metadata.name, room]));
    this.#strategy = strategy;
    this.#seed = seed;
  }

  /** undefined: no such node. */
  room(nodeName: string): Room | undefined {
    return this.#byName.get(nodeName);
  }

  /** For round robin: the service's newest task went there. */
  follow(service: string, nodeName: string): void {
    const room = this.#byName.get(nodeName);
    if (room !== undefined) this.#last.set(service, room.index);
  }

  /** Names of the nodes that a global service's tasks belong on: those that no steady rule refuses, full or not. */
  eligible(tenant: Tenant): string[] {
    const steady = rulesFor(demandOf(tenant.template), "steady");
    return this.#rooms.filter((room) => refusalOf(room, tenant, steady) === undefined).map(({ node }) => node.metadata.name);
  }

  /** Places `count` tasks, or as many as fit. */
  place(tenant: Tenant, count: number): Placed {
    const demand = demandOf(tenant.template);
    const refused = new Map<Rule, number>();
    const asked = rulesFor(demand);
    const changing = rulesFor(demand, "changing");
    const rooms = this.#rooms.filter((room) => note(refusalOf(room, tenant, asked), refused));
    const offers = this.#chosen(tenant.template)({ tenant, rooms, seed: this.#seed, last: this.#lastOf(tenant) });
    const nodes: string[] = [];
    while (nodes.length < count) {
      const room = offers.next();
      if (room === undefined) return { nodes, refusal: explain(refused) };
      if (changing.length > 0 && !note(refusalOf(room, tenant, changing), refused)) {
        offers.drop();
        continue;
      }
      this.#settle(room, tenant);
      offers.took();
      nodes.push(room.node.metadata.name);
    }
    return { nodes };
  }

  /** Takes room on one given node; undefined: done, else why not. */
  admit(tenant: Tenant, nodeName: string): string | undefined {
    const room = this.#byName.get(nodeName);
    if (room === undefined) return `no suitable node (there is no node ${nodeName})`;
    const rule = refusalOf(room, tenant, rulesFor(demandOf(tenant.template)));
    if (rule !== undefined) return explain(new Map([[rule, 1]]));
    this.#settle(room, tenant);
    return undefined;
  }

  #settle(room: Room, tenant: Tenant): void {
    room.take(tenant);
    if (tenant.service !== undefined) this.#last.set(tenant.service, room.index);
  }

  #lastOf({ service }: Tenant): number {
    return service === undefined ? -1 : (this.#last.get(service) ?? -1);
  }

  #chosen({ spec }: Template): Strategy {
    const chosen = spec.placement?.strategy ?? this.#strategy;
    return typeof chosen === "function" ? chosen : strategies[chosen];
  }
}

/** Counts a refusal; whether there was none. */
function note(rule: Rule | undefined, refused: Map<Rule, number>): boolean {
  if (rule === undefined) return true;
  refused.set(rule, (refused.get(rule) ?? 0) + 1);
  return false;
}
