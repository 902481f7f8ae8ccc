/**
 * What must hold at every step, told by what was committed, what reached an engine and what an engine did: attempts are committed before
 * they are made, a task has one container that runs, foreign containers are left alone, and so are those of people.
 */
import type { Container } from "../../../shared/kinds/container.ts";
import type { Node } from "../../../shared/kinds/node.ts";
import type { WindlassObject } from "../../../shared/kinds/object.ts";
import { type Task, taskStateRank } from "../../../shared/kinds/task.ts";
import type { Change, EncodedEntry } from "../../../shared/log/ports.ts";
import type { Asked } from "./linked-engine.ts";
import type { Machine } from "./machine.ts";
import { Objects } from "./objects.ts";
import { isOurs, taskUidOf } from "./subject.ts";

/** Of a Container object's attempts, once committed: where it was to be made. */
type Attempt = { readonly nodeName: string };

const changing = new Set(["remove", "rename", "update", "start", "stop", "restart", "kill", "pause", "unpause"]);

export class Monitor {
  readonly objects = new Objects();
  /** Ids of containers whose making was told to people. */
  readonly acknowledged = new Set<string>();
  /** Ids of containers that people asked to be removed. */
  readonly unwanted = new Set<string>();
  /** Uids of nodes that were taken away whatever ran there. */
  readonly forced = new Set<string>();
  readonly machines: Machine[] = [];
  entries = 0;
  lastEntry = "";
  failure: string | undefined;
  readonly #attempts = new Map<string, Attempt>();
  /** Addresses by the names of nodes; a name always means the same machine. */
  readonly #addresses = new Map<string, string>();

  fail(text: string): void {
    this.failure ??= text;
  }

  join(machine: Machine): void {
    this.machines.push(machine);
    machine.engine.world.listeners.add(({ Type, Action, Actor }) => {
      if (Type === "container" && Action === "start") this.#started(machine, Actor.ID);
    });
  }

  landed(run: readonly EncodedEntry[]): void {
    for (const { entry } of run) {
      this.entries += 1;
      this.lastEntry = `${entry.actor}: ${entry.changes.map(({ action, key }) => `${action} ${key}`).join(", ")}`;
      for (const change of entry.changes) {
        this.#judge(change);
        this.objects.apply(change);
      }
    }
  }

  /** A call has reached an engine. */
  arrived({ machine, verb, args }: Asked): void {
    if (verb === "containers.create") {
      this.#created(machine, args[0] as { readonly name?: string });
      return;
    }
    const [part, act = ""] = verb.split(".");
    if ((part !== "containers" && part !== "runs") || !changing.has(act)) return;
    const container = machine.find(String(args[0]));
    if (container === undefined) return;
    const what = `${act} of ${container.name} on ${machine.address}`;
    if (!isOurs(container)) {
      this.fail(`a foreign container is touched: ${what}`);
      return;
    }
    const isUsers = this.acknowledged.has(container.id) && taskUidOf(container) === undefined;
    if (isUsers && act !== "start" && !this.unwanted.has(container.id)) this.fail(`a user's container is touched: ${what}`);
  }

  #created(machine: Machine, { name = "" }: { readonly name?: string }): void {
    const attempt = this.#attempts.get(name);
    if (attempt === undefined) {
      this.fail(`a container is made of an attempt that was not committed: ${name}`);
      return;
    }
    if (this.#addresses.get(attempt.nodeName) !== machine.address)
      this.fail(`attempt ${name} of node ${attempt.nodeName} is made on ${machine.address}`);
  }

  #started(machine: Machine, id: string): void {
    const container = machine.find(id);
    const uid = container && isOurs(container) ? taskUidOf(container) : undefined;
    if (uid === undefined) return;
    const running = this.machines.flatMap((each) =>
      each.containers
        .filter((one) => one.isRunning && isOurs(one) && taskUidOf(one) === uid)
        .map((one) => `${one.name} on ${each.address}`),
    );
    if (running.length > 1) this.fail(`one task runs ${running.length} times: ${running.join(", ")}`);
  }

  #judge(change: Change): void {
    const before = this.objects.get(change.key);
    const after = change.action === "delete" ? undefined : (change.value as unknown as WindlassObject);
    switch (after?.kind ?? before?.kind) {
      case "Task":
        this.#judgeTask(before as Task | undefined, after as Task | undefined);
        return;
      case "Container":
        this.#judgeContainer(before as Container | undefined, after as Container | undefined);
        return;
      case "Node":
        if (after !== undefined) this.#addresses.set(after.metadata.name, (after as Node).spec.address);
        else this.#removed(before as Node | undefined);
        return;
      default:
        return;
    }
  }

  /** One that goes when its tasks have, and answered until then, leaves none of their containers running. */
  #removed(node: Node | undefined): void {
    if (node === undefined || this.forced.has(node.metadata.uid) || node.status?.state !== "ready") return;
    const machine = this.machines.find(({ address }) => address === node.spec.address);
    if (machine === undefined || machine.hasLied) return;
    const running = machine.containers.filter((one) => one.isRunning && isOurs(one) && taskUidOf(one) !== undefined);
    if (running.length > 0)
      this.fail(`node ${node.metadata.name} is removed, and runs ${running.map(({ name }) => name).join(", ")}`);
  }

  #judgeTask(before: Task | undefined, after: Task | undefined): void {
    if (before === undefined || after === undefined) return;
    const name = after.metadata.name;
    if (before.metadata.uid !== after.metadata.uid) {
      this.fail(`task ${name} becomes another one`);
      return;
    }
    const [from, to] = [before.status?.state ?? "new", after.status?.state ?? "new"];
    if (taskStateRank(to) < taskStateRank(from)) this.fail(`task ${name} goes back from ${from} to ${to}`);
    const isAssigned = taskStateRank(from) >= taskStateRank("assigned");
    if (isAssigned && before.spec.nodeName !== after.spec.nodeName)
      this.fail(`task ${name} moves from ${before.spec.nodeName} to ${after.spec.nodeName}`);
  }

  #judgeName({ metadata }: Container, name: string): void {
    const others = this.objects.containers.filter((one) => one.spec.containerName === name && one.metadata.uid !== metadata.uid);
    if (others.length > 0) this.fail(`two containers are called ${name}`);
  }

  #judgeContainer(before: Container | undefined, after: Container | undefined): void {
    const { id } = after?.spec.attempt ?? {};
    if (after !== undefined && id !== undefined) {
      const isNew = before?.spec.attempt?.id !== id;
      if (isNew && this.#attempts.has(id)) this.fail(`attempt ${id} becomes current again`);
      this.#attempts.set(id, { nodeName: after.spec.nodeName });
    }
    const name = after?.spec.containerName;
    if (after !== undefined && name !== undefined && name !== before?.spec.containerName) this.#judgeName(after, name);
    const containerId = before?.status?.containerId;
    if (
      before === undefined ||
      containerId === undefined ||
      !this.acknowledged.has(containerId) ||
      this.unwanted.has(containerId)
    )
      return;
    const isThere = this.machines.some(({ engine }) => engine.world.containers.has(containerId));
    if (isThere && after?.spec.attempt?.id !== before.spec.attempt?.id)
      this.fail(`a user's container ${before.spec.containerName} is there, and its object is gone or another one's`);
    if (
      after !== undefined &&
      after.spec.nodeName !== before.spec.nodeName &&
      this.objects.node(before.spec.nodeName) !== undefined
    )
      this.fail(`a user's container ${before.spec.containerName} moves from ${before.spec.nodeName} to ${after.spec.nodeName}`);
  }
}
