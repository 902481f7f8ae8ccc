/** The cluster's objects as the entries of the log leave them, for whoever judges a run. */
import type { Container } from "../../../shared/kinds/container.ts";
import type { Node } from "../../../shared/kinds/node.ts";
import type { WindlassObject } from "../../../shared/kinds/object.ts";
import type { Service } from "../../../shared/kinds/service.ts";
import type { Task } from "../../../shared/kinds/task.ts";
import type { Change } from "../../../shared/log/ports.ts";

export class Objects {
  readonly #byKey = new Map<string, WindlassObject>();

  apply(change: Change): void {
    if (change.action === "delete") this.#byKey.delete(change.key);
    else this.#byKey.set(change.key, change.value as unknown as WindlassObject);
  }

  get(key: string): WindlassObject | undefined {
    return this.#byKey.get(key);
  }

  node(name: string): Node | undefined {
    return this.nodes.find(({ metadata }) => metadata.name === name);
  }

  get nodes(): readonly Node[] {
    return this.#of<Node>("Node");
  }
  get services(): readonly Service[] {
    return this.#of<Service>("Service");
  }
  get tasks(): readonly Task[] {
    return this.#of<Task>("Task");
  }
  get containers(): readonly Container[] {
    return this.#of<Container>("Container");
  }

  #of<Kind extends WindlassObject>(kind: string): readonly Kind[] {
    return [...this.#byKey.values()].filter((object) => object.kind === kind) as unknown as readonly Kind[];
  }
}
