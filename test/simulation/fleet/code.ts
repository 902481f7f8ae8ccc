/** The code of the fleet that is simulated: as it is, or a copy with a rule broken. Its classes come from here only: a copy has its own. */
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { copyRooms, type Edit } from "../code.ts";

type Store = typeof import("../../../shared/state/store.ts");
type Collecting = typeof import("../../../shared/state/garbage/collector.ts");
type Fleets = typeof import("../../../shared/fleet/cluster-fleet.ts");
type Simulated = typeof import("../../../shared/fleet/simulated/engine.ts");
type Registries = typeof import("../../../shared/fleet/simulated/registry.ts");
type Making = typeof import("../../../shared/fleet/simulated/transfers.ts");
type EngineErrors = typeof import("../../../shared/fleet/engine-errors.ts");
type Kinds = typeof import("../../../shared/kinds/registry.ts");

export type FleetCode = {
  readonly Store: Store["Store"];
  readonly Collector: Collecting["Collector"];
  readonly openClusterFleet: Fleets["openClusterFleet"];
  readonly SimulatedEngine: Simulated["SimulatedEngine"];
  readonly SimulatedRegistry: Registries["SimulatedRegistry"];
  readonly make: Making["make"];
  readonly errors: EngineErrors;
  readonly registry: ReturnType<Kinds["createRegistry"]>;
};

const rooms = ["base", "kinds", "log", "state", "fleet"];

/** The code with `edits` made; `close` removes the copy. */
export async function loadFleetCode(edits: readonly Edit[]): Promise<{ readonly code: FleetCode; readonly close: () => void }> {
  const { root, close } = copyRooms(rooms, edits);
  try {
    return { code: await importFrom(root), close };
  } catch (error) {
    close();
    throw error;
  }
}

async function importFrom(root: string): Promise<FleetCode> {
  const load = async <Module>(file: string): Promise<Module> => (await import(pathToFileURL(join(root, file)).href)) as Module;
  const { createRegistry, builtinKinds } = await load<Kinds>("kinds/registry.ts");
  return {
    Store: (await load<Store>("state/store.ts")).Store,
    Collector: (await load<Collecting>("state/garbage/collector.ts")).Collector,
    openClusterFleet: (await load<Fleets>("fleet/cluster-fleet.ts")).openClusterFleet,
    SimulatedEngine: (await load<Simulated>("fleet/simulated/engine.ts")).SimulatedEngine,
    SimulatedRegistry: (await load<Registries>("fleet/simulated/registry.ts")).SimulatedRegistry,
    make: (await load<Making>("fleet/simulated/transfers.ts")).make,
    errors: await load<EngineErrors>("fleet/engine-errors.ts"),
    registry: createRegistry(builtinKinds),
  };
}
