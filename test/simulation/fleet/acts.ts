/** Carries out the acts of a plan. Each stands for itself: what it is about may be gone, or not be there yet; then it does nothing. */

import { nodeKind } from "../../../shared/kinds/node.ts";
import { apiVersion } from "../../../shared/kinds/object.ts";
import { serviceKind } from "../../../shared/kinds/service.ts";
import { dying, writeOrRemove } from "../../../shared/state/garbage/deletion.ts";
import type { Store } from "../../../shared/state/store.ts";
import type { Transaction } from "../../../shared/state/transaction.ts";
import { errorName } from "../errors.ts";
import type { Machine } from "./machine.ts";
import type { Act, EngineFault, ServiceAct } from "./plan.ts";
import type { Simulation } from "./simulation.ts";
import { createBody, foreignBody, networkInput, networkName, nodeInput, serviceSpec } from "./subject.ts";

type ActOf<Name extends Act["do"]> = Extract<Act, { readonly do: Name }>;

/** What is thrown by mistake. */
const bugs = new Set(["Error", "TypeError", "RangeError", "ReferenceError", "SyntaxError", "AssertionError", "ZodError"]);
const byPeople = { actor: "people" };
const namespace = "default";

export class Acts {
  readonly #simulation: Simulation;
  readonly #store: Store;

  constructor(simulation: Simulation, store: Store) {
    this.#simulation = simulation;
    this.#store = store;
  }

  begin(act: Act): void {
    this.#do(act).catch((error: unknown) => {
      this.#simulation.monitor.fail(`${act.do}: ${error instanceof Error ? error.stack : String(error)}`);
    });
  }

  async #do(act: Act): Promise<unknown> {
    const { crash, machines } = { crash: () => this.#crash(act as ActOf<"crash">), machines: this.#simulation.machines };
    const machine = "machine" in act ? machines[act.machine % machines.length] : undefined;
    switch (act.do) {
      case "service":
        return await this.#apply(act);
      case "scale":
        return await this.#changeService(act.service, (spec) => ({ ...spec, replicas: act.replicas }));
      case "image":
        return await this.#changeService(act.service, (spec) => ({
          ...spec,
          template: { ...spec.template, spec: { ...spec.template.spec, image: act.image } },
        }));
      case "delete service":
        return await this.#update(
          ({ services }) => services.get(act.service, namespace) && services.delete(act.service, { namespace }),
        );
      case "crash":
        return crash();
      case "restart":
        return await this.#simulation.restart(act.process);
      case "partition":
        return this.#part(act);
      case "create":
        return await this.#create(act);
      case "remove created":
        return await this.#removeCreated(act);
      case "registry":
        return this.#closeRegistry(act);
      default:
        return machine && (await this.#atMachine(act, machine));
    }
  }

  async #atMachine(act: Act, machine: Machine): Promise<unknown> {
    switch (act.do) {
      case "availability":
        return await this.#update(({ nodes }) => {
          const node = nodeAt(nodes, machine);
          if (node) nodes.update({ ...node, spec: { ...node.spec, availability: act.to } });
        });
      case "delete node":
        return await this.#update((transaction) => {
          const node = nodeAt(transaction.nodes, machine);
          const dead = { propagation: undefined, now: transaction.context.now };
          if (node && act.isForced) {
            this.#simulation.monitor.forced.add(node.metadata.uid);
            transaction.nodes.delete(node.metadata.name);
          } else if (node) writeOrRemove(transaction, nodeKind, dying(nodeKind, node, dead));
        });
      case "add node":
        return await this.#update(({ nodes }) => {
          const name = `node-${machine.index}${act.rename ? "-b" : ""}`;
          if (nodeAt(nodes, machine) === undefined) nodes.create(nodeInput(name, machine.address, `z${machine.index % 2}`));
        });
      case "foreign":
        return this.#makeForeign(act, machine);
      case "by hand":
        return byHand(act, machine);
      case "engine":
        return this.#breakEngine(act, machine);
      case "power":
        machine.stop();
        return this.#later(act.ms, () => machine.engine.faults.set(undefined));
      case "lose data":
        return machine.loseData();
      case "lie":
        return this.#lie(act, machine);
      default:
        return undefined;
    }
  }

  async #apply(act: ServiceAct): Promise<unknown> {
    const spec = serviceKind.spec.parse(serviceSpec(act));
    const metadata = { name: act.service, namespace };
    return await this.#update(({ services, networks }) => {
      if (act.isNetworked && networks.get(networkName) === undefined) networks.create(networkInput());
      const current = services.get(act.service, namespace);
      if (current === undefined) services.create({ apiVersion, kind: serviceKind.kind, metadata, spec });
      else services.update({ ...current, spec });
    });
  }

  #changeService(name: string, change: (spec: ReturnType<typeof serviceKind.spec.parse>) => unknown): Promise<unknown> {
    return this.#update(({ services }) => {
      const service = services.get(name, namespace);
      if (service) services.update({ ...service, spec: serviceKind.spec.parse(change(service.spec)) });
    });
  }

  #crash({ process, when, downMs }: ActOf<"crash">): void {
    this.#simulation.crash(process, when, () => this.#later(downMs, () => this.#simulation.start(process)));
  }

  #part({ process, machines, ms }: ActOf<"partition">): void {
    const { partitions, plan } = this.#simulation;
    const keys = machines.map((machine) => `${process % plan.processes.length} ${machine}`);
    for (const key of keys) partitions.set(key, (partitions.get(key) ?? 0) + 1);
    this.#later(ms, () => keys.forEach((key) => void partitions.set(key, (partitions.get(key) ?? 1) - 1)));
  }

  /** Through the library, as the Docker front does. What is told to have been made must be there. */
  async #create({ process, start, isNamed, crash }: ActOf<"create">): Promise<void> {
    const { monitor, machines } = this.#simulation;
    const asked = this.#simulation.process(process);
    if (asked === undefined || asked.isCut) return;
    const { containers } = asked.fleet.fleet;
    if (crash !== undefined) this.#crash({ do: "crash", process, when: crash, downMs: 5_000 });
    try {
      const { container, node } = await containers.create({
        body: createBody,
        pull: "missing",
        inactivityMs: 30_000,
        ...(isNamed && { name: "the-one" }),
      });
      const id = container.status?.containerId ?? "";
      const machine = machines.find(({ address }) => address === node.spec.address);
      const isThere = machine?.engine.world.containers.has(id) === true || machine?.touched.has(id) === true;
      if (!isThere)
        monitor.fail(`a container that was told to be made on ${node.metadata.name} is not there: ${id.slice(0, 12)}`);
      monitor.acknowledged.add(id);
      if (start) await containers.start(id);
    } catch (error) {
      this.#refused(error);
    }
  }

  async #removeCreated({ process, pick }: ActOf<"remove created">): Promise<void> {
    const { monitor } = this.#simulation;
    const ids = [...monitor.acknowledged].filter((id) => !monitor.unwanted.has(id));
    const asked = this.#simulation.process(process);
    const id = ids[pick % Math.max(1, ids.length)];
    if (id === undefined || asked === undefined || asked.isCut) return;
    monitor.unwanted.add(id);
    await asked.fleet.fleet.containers.remove(id, { force: true }).catch((error: unknown) => this.#refused(error));
  }

  /** Whoever asked is told that it failed, in words of the fleet or the store. Anything else is a bug. */
  #refused(error: unknown): void {
    const isClosed = error instanceof Error && error.message === "the engines were closed";
    if (bugs.has(errorName(error)) && !isClosed) throw error;
  }

  #makeForeign({ how }: ActOf<"foreign">, { engine }: Machine): void {
    const { name, body } = foreignBody(how, engine.world.newId(24));
    engine.world.create(name, body).start();
  }

  #breakEngine({ fault, some, ms }: ActOf<"engine">, { engine }: Machine): void {
    const onlyFor = some ? (call: string) => !/^(ping|info|events)$/.test(call) : undefined;
    if (fault === "slow") engine.faults.latencyMs = 8_000;
    else engine.faults.set(faultOf(fault), onlyFor);
    this.#later(ms, () => {
      engine.faults.set(undefined);
      engine.faults.latencyMs = 0;
    });
  }

  #lie({ how, ms }: ActOf<"lie">, machine: Machine): void {
    const { engine } = machine;
    machine.hasLied = true;
    engine.faults.lie = (call, answer) => lied(how, call, answer);
    this.#later(ms, () => {
      engine.faults.lie = undefined;
    });
  }

  #closeRegistry({ ms }: ActOf<"registry">): void {
    const { registry } = this.#simulation;
    registry.credentials = { username: "nobody", password: "knows" };
    this.#later(ms, () => {
      registry.credentials = undefined;
    });
  }

  #later(ms: number, run: () => void): void {
    this.#simulation.after(ms, () => {
      if (!this.#simulation.isCalm) run();
    });
  }

  #update(call: (transaction: Transaction) => unknown): Promise<unknown> {
    return this.#store.update(call, byPeople);
  }
}

function nodeAt(nodes: Transaction["nodes"], { address }: Machine) {
  return nodes.find().find(({ spec }) => spec.address === address);
}

/** Someone with a shell on the machine, who knows nothing of Windlass. */
function byHand({ how, pick }: ActOf<"by hand">, machine: Machine): void {
  const container = machine.containers[pick % Math.max(1, machine.containers.length)];
  if (container === undefined) return;
  if (how === "kill") machine.kill(container);
  else machine.remove(container);
}

function faultOf(fault: Exclude<EngineFault, "slow">) {
  switch (fault) {
    case "failing":
    case "failing afterwards":
      return { kind: "failing" as const, status: 500, message: "simulated", afterwards: fault === "failing afterwards" };
    default:
      return { kind: fault };
  }
}

function lied(how: ActOf<"lie">["how"], call: string, answer: unknown): unknown {
  if (call === "container inspect" && how === "exited") {
    const details = answer as { readonly State: object };
    return { ...details, State: { ...details.State, Status: "exited", Running: false, ExitCode: 1 } };
  }
  if (call !== "container list") return answer;
  const rows = answer as readonly object[];
  if (how === "omits") return rows.slice(1);
  if (how === "doubles") return [...rows, ...rows];
  return rows.map((row) => ({ ...row, State: "exited", Status: "Exited (1) 2 seconds ago" }));
}
