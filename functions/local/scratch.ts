/** Where dry runs of a fleet take place: a store in memory that nothing else sees, with the cluster's uid and kinds. */
import type { Clock } from "../../shared/base/clock.ts";
import type { Ids } from "../../shared/base/ids.ts";
import type { Logger } from "../../shared/base/logger.ts";
import type { Scratch } from "../../shared/fleet/fleet/dry-run.ts";
import type { Registry } from "../../shared/kinds/registry.ts";
import { openMemory } from "../../shared/log/memory/open.ts";
import { Store } from "../../shared/state/store.ts";

export type ScratchOptions = {
  readonly registry: Registry;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly logger: Logger;
};

/** Empty, each time another one. */
export async function openScratch({ registry, clock, ids, logger }: ScratchOptions, uid: string): Promise<Scratch> {
  // Rows are written with each append: nothing else would, and a log whose entries wait for it takes no more in the end.
  const { log, objects, cells, close } = openMemory({ exclusive: true, appliesOnAppend: true });
  await objects.begin(uid, clock.now());
  const store = new Store({ uid, log, objects, registry, clock, ids, logger, scope: "cluster" });
  return {
    store,
    cells,
    close: async () => {
      store.close();
      await close();
    },
  };
}
