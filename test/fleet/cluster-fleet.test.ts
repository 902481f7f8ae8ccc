/** The rounds of a whole fleet: what they do, and what they leave to others. */
import { expect, it } from "vitest";
import { openClusterFleet } from "../../shared/fleet/cluster-fleet.ts";
import { openFleet } from "./fleet-world.ts";

it("a node that is not accepted does not make each round look at all nodes; once it is, one does", async () => {
  const { common, engines, fleet: library } = await openFleet(1);
  const { store, cells, secrets, clock, ids, logger } = common;
  const pinged: string[] = [];
  const open = async ({ address }: { readonly address: string }) => {
    const engine = engines[0]?.open();
    if (engine === undefined || address !== engine.address) throw new Error(`nothing is at ${address}`);
    const ping: typeof engine.system.ping = (call) => {
      pinged.push(address);
      return engine.system.ping(call);
    };
    return { ...engine, system: { ...engine.system, ping } };
  };
  await using fleet = openClusterFleet({ store, cells, secrets, clock, ids, logger, open });
  await library.nodes.register({ address: "tcp://later:2375", name: "later", creationStatus: "pending" });
  for (let count = 0; count < 3; count += 1) await fleet.round();
  expect(pinged).toEqual([]);
  await library.nodes.update("later", { creationStatus: "created" });
  for (let count = 0; count < 3; count += 1) await fleet.round();
  expect(pinged).toEqual(["tcp://node-a:2375"]);
});
