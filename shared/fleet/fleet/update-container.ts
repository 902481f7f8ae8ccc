/** What a container of people takes of its node follows what its engine was told: placement counts by its object alone. */
import { isDeepStrictEqual } from "node:util";
import type { JsonObject } from "../../base/json.ts";
import type { Container } from "../../kinds/container.ts";
import type { Store } from "../../state/store.ts";
import { updatedReservations } from "./demands.ts";
import { fleetActor } from "./ground.ts";

/** `body`: of an update that its engine has carried out. A task's container, or a foreign one, holds nothing by its own object. */
export async function reserveUpdated(store: Store, { metadata, spec }: Container, body: JsonObject): Promise<void> {
  if (spec.origin !== "user") return;
  await store.update(
    ({ containers }) => {
      const current = containers.get(metadata.name, metadata.namespace);
      // Removed meanwhile, or made anew by what its new body says.
      if (current?.metadata.uid !== metadata.uid || current.spec.attempt?.id !== spec.attempt?.id) return;
      const { reservations: before, ...others } = current.spec;
      const reservations = updatedReservations(before, body);
      if (isDeepStrictEqual(before, reservations)) return;
      containers.update({ ...current, spec: { ...others, ...(reservations && { reservations }) } });
    },
    { actor: fleetActor },
  );
}
