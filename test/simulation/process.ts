/** One simulated process: a link, and the stores it opened. It ends with `crash`; its threads go on in another one. */
import { silentLogger } from "../../shared/base/logger.ts";
import type { Store } from "../../shared/state/store.ts";
import type { Code } from "./code.ts";
import type { Link } from "./link.ts";
import type { Plan } from "./plan.ts";
import { SimulatedLog } from "./simulated-log.ts";
import { SimulatedObjects } from "./simulated-objects.ts";
import { registry } from "./subject.ts";
import type { World } from "./world.ts";

export class Process {
  readonly link: Link;
  readonly log: SimulatedLog;
  readonly objects: SimulatedObjects;
  readonly #code: Code;
  readonly #plan: Plan;
  readonly #stores = new Map<string, Store>();

  constructor(options: {
    readonly code: Code;
    readonly plan: Plan;
    readonly world: World;
    readonly link: Link;
    readonly broken: string | undefined;
  }) {
    const { code, plan, world, link, broken } = options;
    this.#code = code;
    this.#plan = plan;
    this.link = link;
    this.log = new SimulatedLog(world, link, plan, broken);
    this.objects = new SimulatedObjects(world, link, broken);
  }

  store(uid: string): Store {
    let store = this.#stores.get(uid);
    if (store === undefined) {
      const { link, log, objects } = this;
      const { cachedBytesMax } = this.#plan;
      store = new this.#code.Store({
        uid,
        log,
        objects,
        registry,
        clock: link,
        ids: link,
        logger: silentLogger,
        scope: "cluster",
        cachedBytesMax,
      });
      this.#stores.set(uid, store);
    }
    return store;
  }

  crash(): void {
    this.link.cut();
  }
}
