/**
 * Callers' own code before a container is made, and before a node is registered or unregistered. A hook may answer with another subject,
 * which those after it and the act itself get, or throw, which stops all: the act does not happen.
 */
import type { Node } from "../../kinds/node.ts";
import type { ContainerCreate } from "../engine/containers.ts";
import type { NodeRegistration } from "./registration.ts";

/** What each event's hooks are given. */
export type HookSubjects = {
  /** `nodeName`: where this try would make it. */
  readonly beforeContainerCreate: {
    readonly namespace: string;
    readonly name?: string;
    readonly nodeName: string;
    readonly body: ContainerCreate;
  };
  readonly beforeNodeRegister: NodeRegistration;
  readonly beforeNodeUnregister: Node;
};
export type HookEvent = keyof HookSubjects;
/** Nothing, or the subject as it is to be. What a beforeNodeUnregister hook answers changes nothing: the node goes as it is. */
export type Hook<Event extends HookEvent> = (
  subject: HookSubjects[Event],
) => HookSubjects[Event] | undefined | Promise<HookSubjects[Event] | undefined>;

/** Of one event: they are asked one after the other. */
export const hooksMax = 100;

type Registered = { readonly [Event in HookEvent]: Hook<Event>[] };

export class Hooks {
  readonly #hooks: Registered = { beforeContainerCreate: [], beforeNodeRegister: [], beforeNodeUnregister: [] };

  /** @throws RangeError when the event has hooksMax. */
  addHook<Event extends HookEvent>(event: Event, hook: Hook<Event>): void {
    const hooks = this.#hooks[event] as Hook<Event>[];
    if (hooks.length >= hooksMax) throw new RangeError(`${event} has ${hooks.length} hooks; at most ${hooksMax}`);
    hooks.push(hook);
  }

  /** In the order in which they are asked. */
  hooks<Event extends HookEvent>(event: Event): readonly Hook<Event>[] {
    return [...(this.#hooks[event] as Hook<Event>[])];
  }

  /** The subject as the hooks leave it. Rejects with what the first of them throws; those after it are not asked. */
  async run<Event extends HookEvent>(event: Event, subject: HookSubjects[Event]): Promise<HookSubjects[Event]> {
    let current = subject;
    for (const hook of this.hooks(event)) current = (await hook(current)) ?? current;
    return current;
  }
}
