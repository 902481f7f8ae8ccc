/** An engine's event as the cluster tells it: with its node, and containers under the names that people gave them. */
import type { JsonObject } from "../../base/json.ts";
import { attemptLabel, taskLabel } from "../../fleet/containers/labels.ts";
import type { EngineEvent } from "../../fleet/engine.ts";
import type { Container } from "../../kinds/container.ts";
import type { Node } from "../../kinds/node.ts";
import type { Store } from "../../state/store.ts";
import { shownName } from "../containers/row.ts";
import { nodeRow } from "../nodes/node-row.ts";
import type { NameMemory } from "./name-memory.ts";

export class EventNames {
  readonly #store: Store;
  readonly #names: NameMemory;

  constructor(store: Store, names: NameMemory) {
    this.#store = store;
    this.#names = names;
  }

  async shown(event: EngineEvent, node: Node): Promise<JsonObject> {
    const { ID, Name, IP, Addr } = nodeRow(node);
    const attributes = event.Actor.Attributes ?? {};
    const name = event.Type === "container" ? await this.#nameOf(event, node) : undefined;
    const Attributes = {
      ...attributes,
      ...(name !== undefined && { name }),
      "node.name": Name,
      "node.id": ID,
      "node.ip": IP,
      "node.addr": Addr,
    };
    return { ...event, Actor: { ...event.Actor, Attributes }, Node: nodeRow(node) };
  }

  async #nameOf({ Actor }: EngineEvent, node: Node): Promise<string> {
    const attributes = Actor.Attributes ?? {};
    const attempt = attributes[attemptLabel];
    const { value: container } = await this.#store.view(({ containers }): Container | undefined => {
      const [known] = containers.find({ by: "index", index: "containerId", value: Actor.ID });
      if (known !== undefined || attempt === undefined) return known;
      // The event may be here before the engine's id is committed.
      return containers.find({ by: "index", index: "attempt", value: attempt })[0];
    });
    const name = container === undefined ? (this.#names.get(Actor.ID) ?? taskName(attributes)) : shownName(container).slice(1);
    if (name === undefined) return `${node.metadata.name}/${attributes["name"] ?? Actor.ID.slice(0, 12)}`;
    this.#names.set(Actor.ID, name);
    return name;
  }
}

/** Of `uid/namespace/name`: what the containers of a task are called. */
function taskName(attributes: Readonly<Record<string, string>>): string | undefined {
  const [, namespace, name] = attributes[taskLabel]?.split("/") ?? [];
  return name === undefined || namespace === "default" ? name : `${namespace}.${name}`;
}
