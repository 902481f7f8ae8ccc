/**
 * The Store's contract, run on every adapter: swarmkit's semantics with the corrections of DESIGN section 2. Two stores on one
 * log stand for two processes wherever the adapter allows more than one writer.
 */
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Clock, systemClock } from "../../shared/base/clock.ts";
import { systemIds } from "../../shared/base/ids.ts";
import { entryChangesMax, objectBytesMax } from "../../shared/base/limits.ts";
import { silentLogger } from "../../shared/base/logger.ts";
import { networkKind } from "../../shared/kinds/network.ts";
import { type Node, nodeKind } from "../../shared/kinds/node.ts";
import { builtinKinds, createRegistry } from "../../shared/kinds/registry.ts";
import { serviceKind } from "../../shared/kinds/service.ts";
import { type Task, taskKind } from "../../shared/kinds/task.ts";
import { TooLargeError } from "../../shared/log/errors.ts";
import {
  clusterCheckId,
  networkCheckId,
  nodeCheckId,
  nodeCheckState,
  serviceCheckId,
  taskCheckId,
  taskCheckNodeId,
  taskCheckServiceId,
  taskCheckStateGreaterThan,
} from "../../shared/state/checks.ts";
import {
  AlreadyExistsError,
  BatchError,
  ConflictError,
  GoneError,
  InvalidObjectError,
  InvalidSelectorError,
  NotFoundError,
  SealedError,
} from "../../shared/state/errors.ts";
import {
  type Check,
  commits,
  onAny,
  onCreate,
  onDelete,
  onUpdate,
  type Specified,
  type WatchEvent,
} from "../../shared/state/event.ts";
import { dying } from "../../shared/state/garbage/deletion.ts";
import { Publisher } from "../../shared/state/publisher.ts";
import * as by from "../../shared/state/selector.ts";
import { Store } from "../../shared/state/store.ts";
import { Stripper } from "../../shared/state/stripper.ts";
import { parseVersion, versionAt } from "../../shared/state/version.ts";
import type { Watch } from "../../shared/state/watch.ts";
import { network, node, service, task } from "./objects-of.ts";
import { first, newUid, type OpenedPorts, type OpenPorts, timeoutMs } from "./ports.ts";

const actor = "tester";
const options = { actor };

export type StoreConformanceOptions = { readonly runs: number };

export function storeConformance(name: string, open: OpenPorts, { runs }: StoreConformanceOptions): void {
  describe(`store on ${name}`, { timeout: timeoutMs }, () => {
    let ports: OpenedPorts;
    const stores: Store[] = [];
    beforeAll(async () => {
      ports = await open();
    });
    afterAll(async () => {
      for (const store of stores) store.close();
      await ports.close();
    });

    const openOn = (uid: string, clock: Clock = systemClock): Store => {
      const registry = createRegistry(builtinKinds);
      const store = new Store({ ...ports, uid, registry, clock, ids: systemIds, logger: silentLogger, scope: "cluster" });
      stores.push(store);
      return store;
    };
    const newStore = async (): Promise<Store> => {
      const uid = newUid();
      await ports.objects.begin(uid, first);
      return openOn(uid);
    };
    const publish = (uid: string) =>
      new Publisher({ ...ports, clock: systemClock, sink: { publish: async () => undefined } }).run(uid);
    const strip = async (uid: string) => {
      await publish(uid);
      await new Stripper(ports).run(uid, { before: Number.POSITIVE_INFINITY, steps: 50 });
    };

    describe("transactions", () => {
      it("create: the object is stamped and readable, and its version is its own commit's", async () => {
        const store = await newStore();
        const { value, revision, changed } = await store.update((tx) => tx.nodes.create(node("a")), options);
        expect({ revision, changed }).toEqual({ revision: first, changed: true });
        expect(value.metadata).toMatchObject({ name: "a", generation: 1, resourceVersion: `${first}000` });
        expect(value.metadata.uid).toMatch(/^[0-9a-f-]{36}$/);
        const read = await store.view((tx) => [tx.nodes.get("a"), tx.nodes.getById(value.metadata.uid)]);
        expect(read).toMatchObject({ value: [value, value], revision: first, changed: false });
      });

      it("create: a name that is taken is refused, with the object that holds it; another namespace is another name", async () => {
        const store = await newStore();
        const { value } = await store.update((tx) => tx.services.create(service("web")), options);
        const again = store.update((tx) => tx.services.create(service("web")), options);
        await expect(again).rejects.toBeInstanceOf(AlreadyExistsError);
        await expect(again).rejects.toMatchObject({ current: value });
        await store.update((tx) => tx.services.create(service("web", [], "other")), options);
        expect((await store.view((tx) => tx.services.find())).value.map(({ metadata }) => metadata.namespace)).toEqual([
          "default",
          "other",
        ]);
      });

      it("update: without a version it overwrites the newest; generation counts changes of spec only", async () => {
        const store = await newStore();
        await store.update((tx) => tx.nodes.create(node("a")), options);
        const status = { state: "ready" } as const;
        const seen = await store.update((tx) => tx.nodes.update({ ...node("a"), status }), options);
        expect(seen.value).toMatchObject({ metadata: { generation: 1, resourceVersion: `${first + 1}000` }, status });
        const drained = await store.update((tx) => tx.nodes.update(node("a", { availability: "drain" })), options);
        expect(drained.value.metadata).toMatchObject({ generation: 2, uid: seen.value.metadata.uid });
      });

      it("update and delete: a stale version or another uid is refused with the current object, and nothing is written", async () => {
        const store = await newStore();
        const { value: old } = await store.update((tx) => tx.nodes.create(node("a")), options);
        const { value: current } = await store.update((tx) => tx.nodes.update(node("a", { role: "manager" })), options);
        const { resourceVersion } = old.metadata;
        const attempts = [
          store.update((tx) => tx.nodes.update(old), options),
          store.update((tx) => tx.nodes.delete("a", { resourceVersion }), options),
          store.update((tx) => tx.nodes.delete("a", { uid: "another" }), options),
        ];
        for (const attempt of attempts) {
          await expect(attempt).rejects.toBeInstanceOf(ConflictError);
          await expect(attempt).rejects.toMatchObject({ current, key: "nodes/a" });
        }
        expect((await store.view((tx) => tx.nodes.get("a"))).value).toEqual(current);
        const { uid } = current.metadata;
        await store.update((tx) => tx.nodes.delete("a", { uid, resourceVersion: current.metadata.resourceVersion }), options);
        expect((await store.view((tx) => tx.nodes.get("a"))).value).toBeUndefined();
      });

      it("update and delete: what is not there is not found", async () => {
        const store = await newStore();
        await expect(store.update((tx) => tx.nodes.update(node("a")), options)).rejects.toBeInstanceOf(NotFoundError);
        await expect(store.update((tx) => tx.nodes.delete("a"), options)).rejects.toBeInstanceOf(NotFoundError);
        expect(store.revision).toBe(first - 1);
      });

      it("a callback that throws leaves nothing, and its error comes out unchanged", async () => {
        const store = await newStore();
        const mine = new Error("mine");
        const failed = store.update((tx) => {
          tx.nodes.create(node("a"));
          throw mine;
        }, options);
        await expect(failed).rejects.toBe(mine);
        expect((await store.view((tx) => tx.nodes.find())).value).toEqual([]);
        expect(store.revision).toBe(first - 1);
      });

      it("a callback that changes nothing commits nothing", async () => {
        const store = await newStore();
        expect(await store.update((tx) => tx.nodes.find().length, options)).toEqual({
          value: 0,
          revision: first - 1,
          changed: false,
        });
      });

      it("reads inside a transaction see its own writes, by key and by every selector", async () => {
        const store = await newStore();
        await store.update((tx) => {
          tx.nodes.create(node("a"));
          tx.nodes.create(node("b"));
        }, options);
        const { value } = await store.update((tx) => {
          tx.nodes.update(node("a", { role: "manager" }));
          tx.nodes.delete("b");
          tx.nodes.create(node("c", { role: "manager" }));
          const names = (found: Node[]) => found.map(({ metadata }) => metadata.name);
          return [
            names(tx.nodes.find()),
            names(tx.nodes.find(by.byRole("manager"))),
            names(tx.nodes.find(by.byRole("worker"))),
            tx.nodes.get("b"),
          ];
        }, options);
        expect(value).toEqual([["a", "c"], ["a", "c"], [], undefined]);
      });

      it("two updates of one object in a transaction both count, each with its own version", async () => {
        const store = await newStore();
        const { value } = await store.update((tx) => {
          tx.nodes.create(node("a"));
          return tx.nodes.update({ ...(tx.nodes.get("a") as Node), spec: node("a", { role: "manager" }).spec });
        }, options);
        expect(value.metadata).toMatchObject({ resourceVersion: `${first}001`, generation: 2 });
      });

      it("what comes out of the store is frozen, all the way down", async () => {
        const store = await newStore();
        const { value } = await store.update((tx) => tx.nodes.create(node("a", {}, { labels: { zone: "a" } })), options);
        expect(() => Object.assign(value.metadata.labels ?? {}, { zone: "b" })).toThrow(TypeError);
        expect(Object.isFrozen((await store.view((tx) => tx.nodes.get("a"))).value?.spec)).toBe(true);
      });

      it("names, namespaces, versions and kinds that are not right are refused by field, and nothing is written", async () => {
        const store = await newStore();
        const refused = async (call: Parameters<Store["update"]>[0], field: string) => {
          const attempt = store.update(call, options);
          await expect(attempt).rejects.toBeInstanceOf(InvalidObjectError);
          await expect(attempt).rejects.toMatchObject({ field });
        };
        await refused((tx) => tx.nodes.create(node("a/b")), "metadata.name");
        await refused((tx) => tx.nodes.create(node("x".repeat(254))), "metadata.name");
        await refused((tx) => tx.services.create(service("a", [], "no.dots")), "metadata.namespace");
        await refused((tx) => tx.nodes.create(node("a", {}, { namespace: "x" })), "metadata.namespace");
        await refused((tx) => tx.nodes.create(node("a", {}, { resourceVersion: "5" })), "metadata.resourceVersion");
        await refused((tx) => tx.clusters.get("default"), "kind");
        await store.update((tx) => tx.nodes.create(node("x".repeat(253))), options);
      });

      it("limits: 200 changes and an object at its limit are taken, one more and a byte more are refused", async () => {
        const store = await newStore();
        const createMany = (count: number) =>
          store.update((tx) => {
            tx.nodes.find();
            for (let i = 0; i < count; i += 1) tx.nodes.create(node(`n-${i}`));
          }, options);
        await expect(createMany(entryChangesMax + 1)).rejects.toMatchObject({ name: "TooLargeError", size: 201, max: 200 });
        await createMany(entryChangesMax);
        const sized = (bytes: number) => node("big", {}, { annotations: { pad: "x".repeat(bytes) } });
        const { value } = await store.update((tx) => tx.nodes.create(sized(1)), options);
        const room = objectBytesMax - JSON.stringify(value).length + 1;
        await expect(store.update((tx) => tx.nodes.update(sized(room + 1)), options)).rejects.toBeInstanceOf(TooLargeError);
        await store.update((tx) => tx.nodes.update(sized(room)), options);
        const dyingAt = (bytes: number) => (tx: Parameters<Parameters<Store["update"]>[0]>[0]) => {
          const [current] = tx.nodes.find(by.byName("big"));
          if (current === undefined) throw new Error("it was made above");
          const { metadata, ...object } = dying(nodeKind, current, { propagation: "Foreground", now: 0 });
          return tx.nodes.update({ ...object, metadata: { ...metadata, annotations: { pad: "x".repeat(bytes) } } });
        };
        await expect(store.update(dyingAt(room + 1), options)).rejects.toMatchObject({
          size: objectBytesMax + 1,
          max: objectBytesMax,
        });
        const { value: marked } = await store.update(dyingAt(room), options);
        expect(JSON.stringify(marked).length).toBeGreaterThan(objectBytesMax);
        expect((await store.view((tx) => tx.nodes.get("big"))).value).toEqual(marked);
      });
    });

    describe("batches", () => {
      it("batch: steps share entries up to the bounds, and each is atomic", async () => {
        const store = await newStore();
        const steps = Array.from(
          { length: 450 },
          (_, i) => (tx: Parameters<Parameters<Store["update"]>[0]>[0]) => void tx.nodes.create(node(`n-${i}`)),
        );
        expect(await store.batch(steps, options)).toEqual({ steps: 450, commits: 3, revision: first + 2 });
        expect((await store.view((tx) => tx.nodes.find().length)).value).toBe(450);
      });

      it("batch: a failing step says how many before it are committed; they stay, the others do not run", async () => {
        const store = await newStore();
        const steps = Array.from({ length: 250 }, (_, i) => (tx: Parameters<Parameters<Store["update"]>[0]>[0]) => {
          if (i === 230) throw new Error("mine");
          tx.nodes.create(node(`n-${i}`));
        });
        const failed = store.batch(steps, options);
        await expect(failed).rejects.toBeInstanceOf(BatchError);
        await expect(failed).rejects.toMatchObject({ committed: 200 });
        expect((await store.view((tx) => tx.nodes.find().length)).value).toBe(200);
      });

      it("batch: of nothing commits nothing", async () => {
        const store = await newStore();
        expect(await store.batch([], options)).toEqual({ steps: 0, commits: 0, revision: first - 1 });
      });
    });

    describe("selectors", () => {
      it("every selector finds what it names, in key order, and the same set by index as by asking each object", async () => {
        const store = await newStore();
        const found = await fill(store);
        const cases = selectorCases(found);
        for (const { definition, selector, names } of cases) {
          const { value } = await store.view((tx) => tx.of(definition as typeof nodeKind).find(selector));
          expect([JSON.stringify(selector), value.map(({ metadata }) => metadata.name)]).toEqual([
            JSON.stringify(selector),
            names,
          ]);
          const { value: asked } = await store.view((tx) =>
            tx.of(definition as typeof nodeKind).find(
              by.and(
                by.where(() => true),
                selector,
              ),
            ),
          );
          expect(asked).toEqual(value);
        }
      });

      it("a selector of another table is refused", async () => {
        const store = await newStore();
        await expect(store.view((tx) => tx.networks.find(by.byRole("worker")))).rejects.toBeInstanceOf(InvalidSelectorError);
        await expect(store.watch(...onAny(nodeKind, by.byNode("a")))).rejects.toBeInstanceOf(InvalidSelectorError);
      });

      it("pages: `after` and `limit` walk a table once", async () => {
        const store = await newStore();
        await fill(store);
        const names: string[] = [];
        for (let after = ""; ; ) {
          const { value } = await store.view((tx) => tx.tasks.find(by.all, { namespace: "default", after, limit: 2 }));
          names.push(...value.map(({ metadata }) => metadata.name));
          if (value.length < 2) break;
          after = `tasks/default/${names.at(-1)}`;
        }
        expect(names).toEqual(["t-1", "t-2", "t-3", "t-4"]);
      });
    });

    describe("views of the past", () => {
      it("at: the state as of a revision, whatever came after; above the head or stripped it is gone", async () => {
        const store = await newStore();
        await store.update((tx) => tx.nodes.create(node("a")), options);
        await store.update((tx) => tx.nodes.create(node("b")), options);
        await store.update((tx) => tx.nodes.delete("a"), options);
        await store.update((tx) => tx.nodes.update(node("b", { role: "manager" })), options);
        await store.update((tx) => tx.nodes.create(node("a", { role: "manager" })), options);
        const at = async (revision: number) =>
          (
            await store.view((tx) => tx.nodes.find().map(({ metadata, spec }) => `${metadata.name} ${spec.role}`), {
              at: revision,
            })
          ).value;
        expect(await at(first)).toEqual(["a worker"]);
        expect(await at(first + 1)).toEqual(["a worker", "b worker"]);
        expect(await at(first + 2)).toEqual(["b worker"]);
        expect(await at(first + 4)).toEqual(["a manager", "b manager"]);
        expect(await at(first - 1)).toEqual([]);
        await expect(at(first + 5)).rejects.toBeInstanceOf(GoneError);
        await strip(store.uid);
        await expect(at(first + 1)).rejects.toBeInstanceOf(GoneError);
        expect(await at(first + 4)).toEqual(["a manager", "b manager"]);
      });
    });

    describe("watches", () => {
      it("watch: without specifiers every event and commit after the call is heard, in order", async () => {
        const store = await newStore();
        await store.update((tx) => tx.nodes.create(node("a")), options);
        const watch = await store.watch();
        await store.update((tx) => {
          tx.nodes.create(node("b"));
          tx.networks.create(network("front"));
        }, options);
        await store.update((tx) => tx.nodes.delete("a"), options);
        const events = await take(watch, 5);
        expect(events.map(describeEvent)).toEqual([
          `create nodes/b ${first + 1}000`,
          `create networks/front ${first + 1}001`,
          `commit ${first + 1}999`,
          `delete nodes/a ${first + 2}000`,
          `commit ${first + 2}999`,
        ]);
        expect(events[4]).toMatchObject({ actor, revision: first + 2 });
        expect(watch.progress).toBe(versionAt(first + 2));
        watch.close();
      });

      it("watch: events carry the object and the one before; a delete carries the last one with the event's own version", async () => {
        const store = await newStore();
        const watch = await store.watch(...onAny(nodeKind));
        const { value: created } = await store.update((tx) => tx.nodes.create(node("a")), options);
        const { value: updated } = await store.update((tx) => tx.nodes.update(node("a", { role: "manager" })), options);
        await store.update((tx) => tx.nodes.delete("a"), options);
        const [create, update, gone] = await take(watch, 3);
        expect(create).toMatchObject({ type: "create", object: created });
        expect(create).not.toHaveProperty("previous");
        expect(update).toMatchObject({ type: "update", object: updated, previous: created });
        const { metadata } = updated;
        expect(gone).toMatchObject({
          type: "delete",
          previous: updated,
          object: { ...updated, metadata: { ...metadata, resourceVersion: `${first + 2}000` } },
        });
        watch.close();
      });

      it("watch: what enters a filter arrives as created, what leaves it as deleted, also for who asked for updates", async () => {
        const store = await newStore();
        const labelled = (tier: string, role: Node["spec"]["role"] = "worker") => node("a", { role }, { labels: { tier } });
        const any = await store.watch(...onAny(nodeKind, by.byLabel("tier", "web")));
        const updates = await store.watch(onUpdate(nodeKind, by.byLabel("tier", "web")), commits);
        const creates = await store.watch(onCreate(nodeKind, by.byLabel("tier", "web")), commits);
        const deletes = await store.watch(onDelete(nodeKind, by.byLabel("tier", "web")), commits);
        await store.update((tx) => tx.nodes.create(labelled("db")), options);
        await store.update((tx) => tx.nodes.update(labelled("web")), options);
        await store.update((tx) => tx.nodes.update(labelled("web", "manager")), options);
        await store.update((tx) => tx.nodes.update(labelled("db")), options);
        await store.update((tx) => tx.nodes.update(labelled("db", "manager")), options);
        const heard = async (watch: Watch, count: number) => {
          const events = await take(watch, count);
          watch.close();
          return events.filter(({ type }) => type !== "commit").map((event) => `${event.type} ${event.revision - first}`);
        };
        expect(await heard(any, 3)).toEqual(["create 1", "update 2", "delete 3"]);
        expect(await heard(updates, 8)).toEqual(["create 1", "update 2", "delete 3"]);
        expect(await heard(creates, 6)).toEqual(["create 1"]);
        expect(await heard(deletes, 6)).toEqual(["delete 3"]);
      });

      it("watch: specifiers are judged with or, checks and predicates with and, commits only when asked for", async () => {
        const store = await newStore();
        const onNode123 = { object: { spec: { nodeName: "n-123" } }, checks: [taskCheckNodeId] };
        const ofAbc: Check<Specified<Task>> = (_, { spec }) => spec?.serviceName === "abc";
        const abc = { object: onNode123.object, checks: [taskCheckNodeId, ofAbc] };
        const watch = await store.watch(
          onUpdate(taskKind, onNode123),
          onCreate(taskKind, abc),
          onCreate(nodeKind, ({ spec }) => spec.role === "manager"),
        );
        await store.update((tx) => {
          tx.tasks.create(task("t-1", { node: "n-123", service: "other" }));
          tx.tasks.create(task("t-2", { node: "n-123", service: "abc" }));
          tx.tasks.create(task("t-3", { node: "n-4", service: "abc" }));
          tx.nodes.create(node("w"));
          tx.nodes.create(node("m", { role: "manager" }));
        }, options);
        await store.update((tx) => {
          tx.tasks.update(task("t-1", { node: "n-123", service: "other", state: "running" }));
          tx.tasks.update(task("t-3", { node: "n-4", service: "abc", state: "running" }));
        }, options);
        expect((await take(watch, 3)).map(describeEvent)).toEqual([
          `create tasks/default/t-2 ${first}001`,
          `create nodes/m ${first}004`,
          `update tasks/default/t-1 ${first + 1}000`,
        ]);
        watch.close();
      });

      it("the documented check functions compare what they name", () => {
        const a = { metadata: { uid: "a" }, status: { state: "ready" as const } };
        const b = { metadata: { uid: "b" }, status: { state: "down" as const } };
        for (const check of [clusterCheckId, nodeCheckId, networkCheckId, serviceCheckId, taskCheckId] as ((
          x: object,
          y: object,
        ) => boolean)[]) {
          expect([check(a, a), check(a, b)]).toEqual([true, false]);
        }
        expect([nodeCheckState(a, a), nodeCheckState(a, b)]).toEqual([true, false]);
        const of = (nodeName: string, serviceName: string) => ({ spec: { nodeName, serviceName } });
        expect([taskCheckNodeId(of("n", "s"), of("n", "x")), taskCheckNodeId(of("n", "s"), of("m", "s"))]).toEqual([true, false]);
        expect([taskCheckServiceId(of("n", "s"), of("x", "s")), taskCheckServiceId(of("n", "s"), of("n", "x"))]).toEqual([
          true,
          false,
        ]);
        const state = (value: NonNullable<Task["status"]>["state"]) => ({ status: { state: value } });
        expect(taskCheckStateGreaterThan(state("running"), state("failed"))).toBe(true);
        expect(taskCheckStateGreaterThan(state("running"), state("running"))).toBe(false);
        expect(taskCheckStateGreaterThan(state("running"), state("starting"))).toBe(false);
      });

      it("viewAndWatch: a snapshot and exactly what comes after it", async () => {
        const store = await newStore();
        await store.update((tx) => tx.nodes.create(node("n-0")), options);
        const writes = Promise.all(
          Array.from({ length: 20 }, (_, i) => store.update((tx) => tx.nodes.create(node(`n-${i + 1}`)), options)),
        );
        const { value, watch } = await store.viewAndWatch(
          (tx) => tx.nodes.find().map(({ metadata }) => metadata.name),
          onCreate(nodeKind),
        );
        await writes;
        const rest = (await take(watch, 21 - value.length)).map((event) =>
          event.type === "commit" ? "" : event.object.metadata.name,
        );
        expect([...value, ...rest].toSorted()).toEqual(Array.from({ length: 21 }, (_, i) => `n-${i}`).toSorted());
        watch.close();
      });

      it("watchFrom: resumes after any event, in the middle of an entry too, and misses and repeats nothing", async () => {
        const store = await newStore();
        for (let entry = 0; entry < 3; entry += 1) {
          await store.update((tx) => {
            for (let change = 0; change < 3; change += 1) tx.nodes.create(node(`n-${entry}-${change}`));
          }, options);
        }
        const from = async (version: string, count: number) => {
          const position = parseVersion(version);
          if (position === undefined) throw new Error(`${version} is a version`);
          const watch = await store.watchFrom(position);
          const events = (await take(watch, count)).map(({ resourceVersion }) => resourceVersion);
          watch.close();
          return events;
        };
        const all = await from(versionAt(first - 1), 12);
        expect(all).toEqual(
          [0, 1, 2].flatMap((entry) => [0, 1, 2, 999].map((place) => `${first + entry}${String(place).padStart(3, "0")}`)),
        );
        for (const [index, version] of all.entries()) expect(await from(version, 11 - index)).toEqual(all.slice(index + 1));
      });

      it("watchFrom: goes on live without a gap", async () => {
        const store = await newStore();
        await store.update((tx) => tx.nodes.create(node("a")), options);
        const watch = await store.watchFrom({ revision: first - 1, place: 999 }, onCreate(nodeKind));
        const names: string[] = [];
        const reading = (async () => {
          for await (const event of watch) {
            if (event.type !== "commit") names.push(event.object.metadata.name);
            if (names.length === 31) return;
          }
        })();
        for (let i = 0; i < 30; i += 1) await store.update((tx) => tx.nodes.create(node(`n-${i}`)), options);
        await reading;
        expect(names).toEqual(["a", ...Array.from({ length: 30 }, (_, i) => `n-${i}`)]);
      });

      it("watchFrom: a revision above the head, below the life's first, or stripped is gone", async () => {
        const store = await newStore();
        for (const name of ["a", "b", "c"]) await store.update((tx) => tx.nodes.create(node(name)), options);
        const gone = async (revision: number) =>
          expect(store.watchFrom({ revision, place: 999 })).rejects.toBeInstanceOf(GoneError);
        await gone(first + 3);
        await gone(first - 2);
        (await store.watchFrom({ revision: first - 1, place: 999 })).close();
        await strip(store.uid);
        await gone(first);
        (await store.watchFrom({ revision: first + 2, place: 999 })).close();
      });

      it("a reader that is too slow is cut off with the version to resume from, and misses nothing after it", async () => {
        const store = await newStore();
        const watch = await store.watch(onCreate(nodeKind));
        const steps = Array.from({ length: 10_050 }, (_, i) => i);
        await store.update((tx) => tx.nodes.find().length, options);
        await store.batch(
          steps.map((i) => (tx) => void tx.nodes.create(node(`n-${i}`))),
          options,
        );
        await expect(take(watch, 1)).rejects.toMatchObject({
          end: { reason: "overflow", resourceVersion: versionAt(first - 1) },
        });
        const position = parseVersion(versionAt(first - 1));
        if (position === undefined) throw new Error("a version");
        const again = await store.watchFrom(position, onCreate(nodeKind));
        expect(await take(again, 10_050)).toHaveLength(10_050);
        again.close();
      });

      it("close: ends a waiting reader, and nobody listens any more", async () => {
        const store = await newStore();
        const watch = await store.watch();
        expect(store.load.watchers).toBe(1);
        const reading = watch[Symbol.asyncIterator]().next();
        watch.close();
        watch.close();
        expect(await reading).toMatchObject({ done: true });
        expect(store.load.watchers).toBe(0);
      });
    });

    describe("save and restore", () => {
      it("restore: makes the state equal to what was saved, and tells watchers of each difference only", async () => {
        const store = await newStore();
        await fill(store);
        const saved = await store.save();
        await store.update((tx) => {
          tx.nodes.update(node("a", { role: "manager", availability: "drain" }));
          tx.nodes.delete("b");
          tx.nodes.create(node("new"));
          tx.tasks.delete("t-1");
          tx.tasks.create(task("t-1"));
        }, options);
        const watch = await store.watch(...onAny(nodeKind), ...onAny(taskKind));
        await store.restore(saved, options);
        const restored = await store.save();
        const plain = (objects: typeof saved.objects) =>
          objects.map(({ metadata: { resourceVersion: _, generation: __, ...metadata }, ...rest }) => ({ ...rest, metadata }));
        expect(plain(restored.objects)).toEqual(plain(saved.objects));
        const events = (await take(watch, 5)).map((event) => `${event.type} ${event.type === "commit" ? "" : event.key}`);
        expect(events.toSorted()).toEqual([
          "create nodes/b",
          "create tasks/default/t-1",
          "delete nodes/new",
          "delete tasks/default/t-1",
          "update nodes/a",
        ]);
        watch.close();
      });
    });

    describe("seal", () => {
      it("seal: ends the life: no read, write or watch after it, and watchers are told", async () => {
        const store = await newStore();
        await store.update((tx) => tx.nodes.create(node("a")), options);
        const watch = await store.watch();
        expect(await store.seal(options)).toBe(first + 1);
        await expect(store.update((tx) => tx.nodes.create(node("b")), options)).rejects.toBeInstanceOf(SealedError);
        await expect(store.view((tx) => tx.nodes.get("a"))).rejects.toBeInstanceOf(SealedError);
        await expect(store.seal(options)).rejects.toBeInstanceOf(SealedError);
        await expect(take(watch, 2)).rejects.toMatchObject({ end: { reason: "sealed" } });
        await strip(store.uid);
        const late = openOn(store.uid);
        await expect(late.update((tx) => tx.nodes.create(node("b")), options)).rejects.toBeInstanceOf(SealedError);
      });

      it("a life that was never begun is gone", async () => {
        await expect(openOn(newUid()).view((tx) => tx.nodes.find())).rejects.toBeInstanceOf(GoneError);
      });
    });

    describe("several writers", () => {
      it("waiting transactions each run on the state the ones before left", async () => {
        const store = await newStore();
        await store.update((tx) => tx.nodes.create(node("a", {}, { annotations: { count: "0" } })), options);
        await Promise.all(Array.from({ length: 30 }, () => store.update(increment, options)));
        expect((await store.view(count)).value).toBe(30);
        expect(store.revision).toBe(first + 30);
      });

      it("a store opened later reads what others wrote, published or not, stripped or not", async () => {
        const store = await newStore();
        await fill(store);
        expect((await openOn(store.uid).save()).objects).toEqual((await store.save()).objects);
        await publish(store.uid);
        expect((await openOn(store.uid).save()).objects).toEqual((await store.save()).objects);
        await strip(store.uid);
        await store.update((tx) => tx.nodes.delete("b"), options);
        const late = openOn(store.uid);
        expect((await late.view((tx) => tx.nodes.get("a"))).value?.metadata.name).toBe("a");
        expect((await late.save()).objects).toEqual((await store.save()).objects);
      });

      it("a stale process writes after it was stripped past: its put is refused or lost, and then it goes on", async () => {
        const store = await newStore();
        const stale = openOn(store.uid);
        await stale.view((tx) => tx.nodes.find());
        for (const name of ["a", "b", "c"]) await store.update((tx) => tx.nodes.create(node(name)), options);
        await strip(store.uid);
        const outcome = await stale
          .update((tx) => tx.nodes.create(node("d")), options)
          .then(
            ({ revision }) => revision,
            (error: Error) => error.name,
          );
        expect([first + 3, "OutcomeUnknownError"]).toContain(outcome);
        const { value } = await stale.view((tx) => tx.nodes.find().map(({ metadata }) => metadata.name));
        expect(value).toEqual(outcome === first + 3 ? ["a", "b", "c", "d"] : ["a", "b", "c"]);
      });
    });

    it("a random sequence agrees with a model, across stores that are opened anew and published at any time", async () => {
      const name = fc.constantFrom("a", "b", "c", "d");
      const role = fc.constantFrom("worker" as const, "manager" as const);
      const operation = fc.oneof(
        fc.record({ op: fc.constant("put" as const), name, role }),
        fc.record({ op: fc.constant("delete" as const), name }),
        fc.record({
          op: fc.constantFrom("list" as const, "managers" as const, "reopen" as const, "publish" as const, "strip" as const),
        }),
      );
      await fc.assert(
        fc.asyncProperty(fc.array(operation, { maxLength: 25 }), async (operations) => {
          let store = await newStore();
          const model = new Map<string, string>();
          for (const step of operations) {
            if (step.op === "put") {
              await store.update(
                (tx) =>
                  tx.nodes.get(step.name)
                    ? tx.nodes.update(node(step.name, { role: step.role }))
                    : tx.nodes.create(node(step.name, { role: step.role })),
                options,
              );
              model.set(step.name, step.role);
            } else if (step.op === "delete") {
              const { value } = await store.update(
                (tx) => (tx.nodes.get(step.name) ? tx.nodes.delete(step.name) : undefined),
                options,
              );
              expect(value !== undefined).toBe(model.delete(step.name));
            } else if (step.op === "reopen") store = openOn(store.uid);
            else if (step.op === "publish") await publish(store.uid);
            else if (step.op === "strip") await strip(store.uid);
            else {
              const selector = step.op === "list" ? by.all : by.byRole("manager");
              const { value } = await store.view((tx) =>
                tx.nodes.find(selector).map(({ metadata, spec }) => [metadata.name, spec.role]),
              );
              const wanted = [...model].filter(([, kept]) => step.op === "list" || kept === "manager");
              expect(value).toEqual(wanted.toSorted());
            }
          }
        }),
        { numRuns: runs },
      );
    });
  });
}

/** `count` events; rejects as the watch ends. */
async function take(watch: Watch, count: number): Promise<WatchEvent[]> {
  const events: WatchEvent[] = [];
  while (events.length < count) {
    await watch.ready();
    for (let event = watch.take(); event !== undefined; event = watch.take()) events.push(event);
    if (watch.ended && watch.end === undefined) break;
  }
  expect(events).toHaveLength(count);
  return events;
}

const describeEvent = (event: WatchEvent): string =>
  event.type === "commit" ? `commit ${event.resourceVersion}` : `${event.type} ${event.key} ${event.resourceVersion}`;

function increment(tx: Parameters<Parameters<Store["update"]>[0]>[0]): void {
  tx.nodes.update(node("a", {}, { annotations: { count: String(count(tx) + 1) } }));
}
const count = (tx: Parameters<Parameters<Store["view"]>[0]>[0]): number =>
  Number(tx.nodes.get("a")?.metadata.annotations?.["count"]);

/** Two nodes, two networks, services and tasks that refer to each other; the uids of the nodes. */
async function fill(store: Store): Promise<readonly string[]> {
  const { value } = await store.update((tx) => {
    const nodes = [
      tx.nodes.create(
        node("a", { role: "manager" }, { labels: { zone: "x" }, annotations: { "index.windlass.dev/rack": "r1,r2" } }),
      ),
      tx.nodes.create(
        node("b", { membership: "pending" }, { labels: { zone: "y" }, annotations: { "index.windlass.dev/rack": "q1" } }),
      ),
    ];
    tx.networks.create(network("back"));
    tx.networks.create(network("front"));
    tx.services.create(service("api", ["front", "back"]));
    tx.services.create(service("web", ["front"]));
    tx.tasks.create(task("t-1", { service: "web", node: "a", slot: 1, state: "running", networks: ["front"] }));
    tx.tasks.create(task("t-2", { service: "web", node: "b", slot: 2, state: "failed", desired: "shutdown" }));
    tx.tasks.create(task("t-3", { service: "api", node: "a", slot: 1, state: "running", networks: ["back"] }));
    tx.tasks.create(task("t-4", { service: "api", slot: 2 }));
    tx.tasks.create(task("t-1", { service: "web", node: "b", slot: 1, state: "running", namespace: "other" }));
    return nodes.map(({ metadata }) => metadata.uid);
  }, options);
  return value;
}

function selectorCases(uids: readonly string[]) {
  const [uidA = "", uidB = ""] = uids;
  const nodes = (selector: by.Selector, names: readonly string[]) => ({ definition: nodeKind, selector, names });
  const tasks = (selector: by.Selector, names: readonly string[]) => ({ definition: taskKind, selector, names });
  return [
    nodes(by.all, ["a", "b"]),
    nodes(by.byId(uidB), ["b"]),
    nodes(by.byIdPrefix(uidA.slice(0, 18)), ["a"]),
    nodes(by.byIdPrefix(""), ["a", "b"]),
    nodes(by.byName("A"), ["a"]),
    nodes(by.byNamePrefix("B"), ["b"]),
    nodes(by.byRole("manager"), ["a"]),
    nodes(by.byMembership("pending"), ["b"]),
    nodes(by.byLabel("zone", "y"), ["b"]),
    nodes(by.byCustom("rack", "r2"), ["a"]),
    nodes(by.byCustom("rack", "r"), []),
    nodes(by.byCustomPrefix("rack", "r"), ["a"]),
    nodes(by.byCustomPrefix("other", ""), []),
    nodes(by.or(), []),
    nodes(by.or(by.byName("a"), by.byRole("manager"), by.byName("b")), ["a", "b"]),
    nodes(by.and(), ["a", "b"]),
    nodes(by.and(by.byRole("manager"), by.byName("b")), []),
    nodes(
      by.where(({ metadata }) => metadata.name > "a"),
      ["b"],
    ),
    tasks(by.byService("default/web"), ["t-1", "t-2"]),
    tasks(by.byNode("a"), ["t-1", "t-3"]),
    tasks(by.bySlot("default/web", 1), ["t-1"]),
    tasks(by.byDesiredState("shutdown"), ["t-2"]),
    tasks(by.byTaskState("running"), ["t-1", "t-3", "t-1"]),
    tasks(by.byTaskState("new"), ["t-4"]),
    tasks(by.byReferencedNetwork("front"), ["t-1"]),
    tasks(by.byNamespace("other"), ["t-1"]),
    tasks(by.and(by.byNamespace("default"), by.byTaskState("running"), by.byNode("a")), ["t-1", "t-3"]),
    tasks(by.or(by.byNode("b"), by.and(by.byService("default/api"), by.byReferencedNetwork("back"))), ["t-2", "t-3", "t-1"]),
    { definition: serviceKind, selector: by.byReferencedNetwork("front"), names: ["api", "web"] },
    { definition: serviceKind, selector: by.byReferencedNetwork("back"), names: ["api"] },
    { definition: networkKind, selector: by.byNamePrefix("f"), names: ["front"] },
  ];
}
