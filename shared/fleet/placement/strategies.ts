/**
 * How a node is chosen among those that fit. A strategy offers one node after the other; who asks says of each whether it took a task
 * or is full. Everything is decided by what is there and a seed, so that the same world always gives the same answer.
 */
import { attributeOf } from "./constraints.ts";
import { demandOf } from "./demand.ts";
import { Heap } from "./heap.ts";
import type { Room, Tenant } from "./room.ts";

/** What offers nodes: the next one stays the same until it took a task or was dropped. */
export interface Offers {
  /** undefined: none is left. */
  next(): Room | undefined;
  /** The one that was offered took a task. */
  took(): void;
  /** The one that was offered takes no more. */
  drop(): void;
}

export type StrategyOptions = {
  readonly tenant: Tenant;
  /** In the order of their names. */
  readonly rooms: readonly Room[];
  readonly seed: number;
  /** For roundRobin: the index of the node that the last one went to; -1: none did. */
  readonly last: number;
};
export type StrategyName = "spread" | "binpack" | "random" | "roundRobin";
export type Strategy = (options: StrategyOptions) => Offers;

/** swarmkit: a node on which a service failed so often lately comes after those where it did not. */
export const failuresMax = 5;

export const strategies: Readonly<Record<StrategyName, Strategy>> = {
  /** swarmkit's: the fewest tasks of the service, then the fewest tasks; over its preferences' values first. */
  spread: ({ tenant, rooms }) => {
    const { affinities, placement } = demandOf(tenant.template);
    const keys = (placement?.preferences ?? []).map(({ spread }) => spread);
    return branches({ tenant, rooms, keys, isLess: avoiding(tenant, affinities.length > 0, isEmptier(tenant)) });
  },
  /** classic Swarm's: the fullest that still has room, so that others stay empty. */
  binpack: ({ tenant, rooms }) => {
    const { affinities } = demandOf(tenant.template);
    return new HeapOffers(rooms, avoiding(tenant, affinities.length > 0, isFuller));
  },
  random: ({ rooms, seed }) => new RandomOffers(rooms, seed),
  roundRobin: ({ rooms, last }) => new RingOffers(rooms, last),
};

type Order = (one: Room, other: Room) => boolean;

const isEmptier =
  ({ service }: Tenant): Order =>
  (one, other) =>
    (one.tasksOf(service) - other.tasksOf(service) || one.tasks - other.tasks || one.index - other.index) < 0;

const isFuller: Order = (one, other) => (other.fill - one.fill || other.tasks - one.tasks || one.index - other.index) < 0;

/** Where a service fails again and again, and where affinities are missed, comes last; else `then` decides. */
function avoiding(tenant: Tenant, hasAffinities: boolean, then: Order): Order {
  const { service, template } = tenant;
  const { affinities } = demandOf(template);
  const failures = (room: Room): number => {
    const count = room.failuresOf(service);
    return count >= failuresMax ? count : 0;
  };
  return (one, other) => {
    const failed = failures(one) - failures(other);
    if (failed !== 0) return failed < 0;
    const missed = hasAffinities ? one.misses(affinities) - other.misses(affinities) : 0;
    return missed === 0 ? then(one, other) : missed < 0;
  };
}

class HeapOffers implements Offers {
  readonly #heap: Heap<Room>;
  constructor(rooms: readonly Room[], isLess: Order) {
    this.#heap = new Heap(rooms, isLess);
  }
  next(): Room | undefined {
    return this.#heap.peek();
  }
  took(): void {
    this.#heap.settle();
  }
  drop(): void {
    this.#heap.drop();
  }
}

type BranchOptions = {
  readonly tenant: Tenant;
  readonly rooms: readonly Room[];
  readonly keys: readonly string[];
  readonly isLess: Order;
};

/** swarmkit's decision tree: a level for each preference, a branch for each value of its label, the rooms below the last. */
function branches({ tenant, rooms, keys, isLess }: BranchOptions): Offers {
  const [key, ...rest] = keys;
  if (key === undefined) return new HeapOffers(rooms, isLess);
  const byValue = new Map<string, Room[]>();
  for (const room of rooms) {
    const value = attributeOf(room.node, key);
    const list = byValue.get(value);
    if (list === undefined) byValue.set(value, [room]);
    else list.push(room);
  }
  const list = [...byValue.values()].map((below) => ({
    tasks: below.reduce((sum, room) => sum + room.tasksOf(tenant.service), 0),
    offers: branches({ tenant, rooms: below, keys: rest, isLess }),
  }));
  return new BranchOffers(list);
}

type Branch = { tasks: number; readonly offers: Offers };

class BranchOffers implements Offers {
  #branches: Branch[];
  constructor(list: Branch[]) {
    this.#branches = list;
  }
  next(): Room | undefined {
    for (;;) {
      const branch = this.#least();
      const room = branch?.offers.next();
      if (branch === undefined || room !== undefined) return room;
      this.#branches = this.#branches.filter((each) => each !== branch);
    }
  }
  took(): void {
    const branch = this.#least();
    if (branch === undefined) return;
    branch.offers.took();
    branch.tasks += 1;
  }
  drop(): void {
    this.#least()?.offers.drop();
  }
  /** Labels have few values: a look at each is cheap. */
  #least(): Branch | undefined {
    let least = this.#branches[0];
    for (const branch of this.#branches) if (least !== undefined && branch.tasks < least.tasks) least = branch;
    return least;
  }
}

class RandomOffers implements Offers {
  readonly #rooms: Room[];
  #state: number;
  #at: number;
  constructor(rooms: readonly Room[], seed: number) {
    this.#rooms = [...rooms];
    this.#state = seed >>> 0;
    this.#at = this.#draw();
  }
  next(): Room | undefined {
    return this.#rooms[this.#at];
  }
  took(): void {
    this.#at = this.#draw();
  }
  drop(): void {
    const last = this.#rooms.pop();
    if (last !== undefined && this.#at < this.#rooms.length) this.#rooms[this.#at] = last;
    this.#at = this.#draw();
  }
  /** mulberry32: small, and good enough to scatter. */
  #draw(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), this.#state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * this.#rooms.length);
  }
}

class RingOffers implements Offers {
  readonly #rooms: Room[];
  #at: number;
  constructor(rooms: readonly Room[], last: number) {
    this.#rooms = [...rooms];
    this.#at = Math.max(
      0,
      this.#rooms.findIndex(({ index }) => index > last),
    );
  }
  next(): Room | undefined {
    return this.#rooms[this.#at];
  }
  took(): void {
    this.#at = (this.#at + 1) % this.#rooms.length;
  }
  drop(): void {
    this.#rooms.splice(this.#at, 1);
    if (this.#at >= this.#rooms.length) this.#at = 0;
  }
}
