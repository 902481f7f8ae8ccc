/** What only the store knows of a container: its name in the cluster, and that it was removed. */
import type { Container } from "../../kinds/container.ts";
import type { Store } from "../../state/store.ts";
import { NameInUseError } from "../containers/errors.ts";
import { InvalidOptionError, noSuchContainer } from "./errors.ts";
import { fleetActor } from "./ground.ts";

type Place = { readonly namespace: string; readonly name: string };

const nameCharactersMax = 255;
const namePattern = /^[a-zA-Z0-9][a-zA-Z0-9_.-]+$/;

/** @throws NameInUseError; InvalidOptionError; NoSuchContainerError when it was removed meanwhile. */
export async function renameContainer(store: Store, container: Container, given: string): Promise<void> {
  const name = checkedName(given);
  await store.update(
    ({ containers }) => {
      const current = containers.get(container.metadata.name, container.metadata.namespace);
      if (current?.metadata.uid !== container.metadata.uid) throw noSuchContainer(name);
      if (current.spec.containerName === name) return;
      const [holder] = containers.find({ by: "index", index: "containerName", value: name });
      if (holder !== undefined) throw new NameInUseError(name, holder.status?.containerId ?? holder.metadata.name);
      containers.update({ ...current, spec: { ...current.spec, containerName: name } });
    },
    { actor: fleetActor },
  );
}

/** Without the slash that Docker's clients may put before it. @throws InvalidOptionError */
export function checkedName(given: string): string {
  const name = given.replace(/^\//, "");
  if (namePattern.test(name) && name.length <= nameCharactersMax) return name;
  const rule = `only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed, 2 to ${nameCharactersMax} of them`;
  throw new InvalidOptionError("name", `Invalid container name (${name.slice(0, nameCharactersMax)}), ${rule}`);
}

/** Takes the object away, if it is still of that container. */
export function forgetContainer(store: Store, { metadata, spec }: Container): Promise<unknown> {
  const { namespace = "default", name, uid } = metadata;
  // A later attempt under the same name is another container.
  const isIt = (current: Container): boolean => current.metadata.uid === uid && current.spec.attempt?.id === spec.attempt?.id;
  return forget(store, { namespace, name }, isIt);
}

/** Takes the object of that name away. */
export const forgetNamed = (store: Store, place: Place): Promise<unknown> => forget(store, place, () => true);

function forget(store: Store, { namespace, name }: Place, isIt: (current: Container) => boolean): Promise<unknown> {
  return store.update(
    ({ containers }) => {
      const current = containers.get(name, namespace);
      if (current !== undefined && isIt(current)) containers.delete(name, { namespace });
    },
    { actor: fleetActor },
  );
}
