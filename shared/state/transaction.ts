/**
 * What a callback of view or update works on: typed tables over one coherent state, and the changes it makes there. Synchronous;
 * nothing leaves it before it is committed. It may run several times: clock and ids come from its context, the same each time.
 */
import { isDeepStrictEqual } from "node:util";
import { timestamp } from "../base/clock.ts";
import { deepFreeze, type JsonObject, jsonText } from "../base/json.ts";
import { entryChangesMax } from "../base/limits.ts";
import { type Cluster, clusterKind } from "../kinds/cluster.ts";
import { type Container, containerKind } from "../kinds/container.ts";
import { type KindDefinition, keyOf } from "../kinds/definition.ts";
import { type Image, imageKind } from "../kinds/image.ts";
import { checkName, checkNamespace } from "../kinds/names.ts";
import { type Network, networkKind } from "../kinds/network.ts";
import { type Node, nodeKind } from "../kinds/node.ts";
import { apiVersion, type Metadata, type ObjectInput, type WindlassObject } from "../kinds/object.ts";
import { type Service, serviceKind } from "../kinds/service.ts";
import { type Task, taskKind } from "../kinds/task.ts";
import { checkChange } from "../log/codec.ts";
import { TooLargeError } from "../log/errors.ts";
import type { Change } from "../log/ports.ts";
import { AlreadyExistsError, ConflictError, InvalidObjectError, NotFoundError } from "./errors.ts";
import { checkObjectSize } from "./object-size.ts";
import type { Overlay } from "./overlay.ts";
import { type Amount, growthOf, nothing } from "./quota/usage.ts";
import type { ListOptions, Reader } from "./reader.ts";
import { all, byId, type Selector } from "./selector.ts";
import { versionOf } from "./version.ts";

/** What of a kind's definition its keys are made of. */
type Placed = Pick<KindDefinition, "plural" | "namespaced">;

/** Made once a call, outside the callback, and the same in every rerun. */
export type TransactionContext = {
  readonly id: string;
  readonly actor: string;
  /** Milliseconds since 1970. */
  readonly now: number;
  /** The nth new uid of this call. */
  readonly uid: (n: number) => string;
};

export type Preconditions = { readonly resourceVersion?: string; readonly uid?: string };

/** One kind's objects, to read. What comes back is frozen; absent is undefined. */
export class ReadTable<O extends WindlassObject> {
  protected readonly reader: Reader;
  protected readonly definition: KindDefinition<O>;

  constructor(reader: Reader, definition: KindDefinition<O>) {
    this.reader = reader;
    this.definition = definition;
  }

  get(name: string, namespace?: string): O | undefined {
    return this.reader.get(this.definition as unknown as KindDefinition, name, namespace) as O | undefined;
  }

  /** By metadata.uid, swarmkit's ID. */
  getById(uid: string): O | undefined {
    return this.find(byId(uid))[0];
  }

  /** In the order of their keys (namespace, name). @throws InvalidSelectorError when this kind has no such index. */
  find(selector: Selector = all, options: ListOptions = {}): O[] {
    return this.reader.find(this.definition as unknown as KindDefinition, selector, options) as O[];
  }

  /** How many there are, however many: of their keys only. */
  count(options: Omit<ListOptions, "limit"> = {}): number {
    return this.reader.count(this.definition as unknown as KindDefinition, options);
  }
}

/** One kind's objects, to read and change. */
export class WriteTable<O extends WindlassObject> extends ReadTable<O> {
  readonly #transaction: Transaction;

  constructor(transaction: Transaction, reader: Reader, definition: KindDefinition<O>) {
    super(reader, definition);
    this.#transaction = transaction;
  }

  /** The object as it will stand. @throws AlreadyExistsError, InvalidObjectError, TooLargeError. */
  create(input: ObjectInput<O>): O {
    return this.#transaction.create(this.definition, input);
  }

  /**
   * The object as it will stand. Where `object` names a resourceVersion or uid, it must be the current one; else it overwrites.
   * @throws NotFoundError, ConflictError, InvalidObjectError, TooLargeError.
   */
  update(object: ObjectInput<O>): O {
    return this.#transaction.update(this.definition, object);
  }

  /** The object that was deleted. @throws NotFoundError, ConflictError. */
  delete(name: string, options: Preconditions & { readonly namespace?: string } = {}): O {
    return this.#transaction.delete(this.definition, name, options);
  }
}

export class Transaction {
  readonly context: TransactionContext;
  readonly changes: Change[] = [];
  /** Bytes of JSON of the changes' values, about: enough to split batches. */
  bytes = 0;
  readonly #reader: Reader;
  readonly #overlay: Overlay;
  readonly #scope: KindDefinition["scope"];
  readonly #revision: number;
  /** What transactions add that stand between the state and this one. */
  readonly ahead: Amount;
  #uids = 0;

  /** `revision`: the one that a commit of this run would make. */
  constructor(options: {
    readonly reader: Reader;
    readonly overlay: Overlay;
    readonly context: TransactionContext;
    readonly scope: KindDefinition["scope"];
    readonly revision: number;
    readonly ahead?: Amount;
  }) {
    this.#reader = options.reader;
    this.#overlay = options.overlay;
    this.context = options.context;
    this.#scope = options.scope;
    this.#revision = options.revision;
    this.ahead = options.ahead ?? nothing;
  }

  get containers(): WriteTable<Container> {
    return this.of(containerKind);
  }
  get images(): WriteTable<Image> {
    return this.of(imageKind);
  }
  get networks(): WriteTable<Network> {
    return this.of(networkKind);
  }
  get nodes(): WriteTable<Node> {
    return this.of(nodeKind);
  }
  get services(): WriteTable<Service> {
    return this.of(serviceKind);
  }
  get tasks(): WriteTable<Task> {
    return this.of(taskKind);
  }
  /** Read-only, and in the root's store only: clusters are made and deleted through the root. */
  get clusters(): ReadTable<Cluster> {
    return this.of(clusterKind);
  }

  /** The table of any kind. @throws InvalidObjectError when the kind lives in another log (Clusters in the root's only). */
  of<O extends WindlassObject>(definition: KindDefinition<O>): WriteTable<O> {
    if (definition.scope !== this.#scope) {
      throw new InvalidObjectError(
        "kind",
        `${definition.plural} do not live in ${this.#scope === "root" ? "the root" : "a cluster"}'s log`,
      );
    }
    return new WriteTable(this, this.#reader, definition);
  }

  create<O extends WindlassObject>(definition: KindDefinition<O>, input: ObjectInput<O>): O {
    const { metadata } = input;
    const place = this.#place(definition, metadata);
    const key = keyOf(definition, place.name, place.namespace);
    if (metadata.resourceVersion !== undefined && metadata.resourceVersion !== "") {
      throw new InvalidObjectError("metadata.resourceVersion", "must not be set on objects to be created");
    }
    // A name that is not cached is most likely free: many creates then miss all at once, and are run again once.
    const current = this.#reader.valueOrMissed(key);
    if (current !== undefined) throw new AlreadyExistsError(key, current);
    const stamped: Metadata = {
      ...metadata,
      ...place,
      uid: metadata.uid ?? this.#newUid(),
      generation: metadata.generation ?? 1,
      creationTimestamp: metadata.creationTimestamp ?? timestamp(this.context.now),
      resourceVersion: this.#version(),
    };
    const object = this.#object(definition, input, stamped);
    checkObjectSize(definition, object);
    this.#change({ action: "create", key, value: asJson(object) });
    return object;
  }

  update<O extends WindlassObject>(definition: KindDefinition<O>, input: ObjectInput<O>): O {
    const { metadata } = input;
    const place = this.#place(definition, metadata);
    const { key, current } = this.#current(definition, place.name, place.namespace);
    check(key, current, metadata);
    const { uid, generation, creationTimestamp } = current.metadata;
    // Kubernetes counts the beginning of a deletion, too.
    const ends = metadata.deletionTimestamp !== undefined && current.metadata.deletionTimestamp === undefined;
    const changed = ends || (input.spec !== current.spec && !isDeepStrictEqual(input.spec, current.spec));
    const stamped: Metadata = {
      ...metadata,
      ...place,
      uid,
      generation: changed ? generation + 1 : generation,
      creationTimestamp,
      resourceVersion: this.#version(),
    };
    const object = this.#object(definition, input, stamped);
    checkObjectSize(definition, object);
    this.#change({ action: "update", key, value: asJson(object), previous: asJson(current) });
    return object;
  }

  delete<O extends WindlassObject>(
    definition: KindDefinition<O>,
    name: string,
    { namespace, ...wanted }: Preconditions & { readonly namespace?: string },
  ): O {
    const { key, current } = this.#current(definition, name, namespace);
    check(key, current, wanted);
    this.#change({ action: "delete", key, previous: asJson(current) });
    return current as O;
  }

  /** What its changes add so far. */
  get growth(): Amount {
    return growthOf(this.changes);
  }

  /** Where a step of a batch begins. */
  mark(): { readonly changes: number; readonly bytes: number; readonly overlay: number } {
    return { changes: this.changes.length, bytes: this.bytes, overlay: this.#overlay.mark() };
  }

  /** Undoes what was done since `mark`. */
  rollback(mark: ReturnType<Transaction["mark"]>): void {
    this.changes.length = mark.changes;
    this.bytes = mark.bytes;
    this.#overlay.rollback(mark.overlay);
  }

  #current(definition: Placed, name: string, namespace: string | undefined): { key: string; current: WindlassObject } {
    const key = keyOf(definition, name, namespace);
    const current = this.#reader.value(key);
    if (current === undefined) throw new NotFoundError(key);
    return { key, current };
  }

  #change(change: Change): void {
    if (this.changes.length === entryChangesMax)
      throw new TooLargeError("transaction", entryChangesMax + 1, entryChangesMax, "changes");
    checkChange(change);
    if (change.action !== "delete") this.bytes += jsonText(change.value).length;
    if (change.action !== "create") this.bytes += jsonText(change.previous).length;
    this.changes.push(change);
    this.#overlay.set(change.key, change.action === "delete" ? null : change.value);
  }

  #version(): string {
    return versionOf(this.#revision, this.changes.length);
  }

  #newUid(): string {
    this.#uids += 1;
    return this.context.uid(this.#uids - 1);
  }

  #object<O extends WindlassObject>(definition: KindDefinition<O>, input: ObjectInput<O>, metadata: Metadata): O {
    const { status } = input;
    const object = { apiVersion, kind: definition.kind, metadata, spec: input.spec, ...(status !== undefined && { status }) };
    return deepFreeze(object) as unknown as O;
  }

  /** @throws InvalidObjectError when the name or the namespace can't be part of a key. */
  #place(
    definition: Placed,
    metadata: { readonly name: string; readonly namespace?: string },
  ): { name: string; namespace?: string } {
    const { name } = metadata;
    const namespace = definition.namespaced ? (metadata.namespace ?? "default") : undefined;
    if (!definition.namespaced && metadata.namespace !== undefined) {
      throw new InvalidObjectError("metadata.namespace", `${definition.plural} are cluster-wide and have none`);
    }
    const [error] = [...checkName(name), ...(namespace === undefined ? [] : checkNamespace(namespace))];
    if (error !== undefined) throw new InvalidObjectError(error.field, error.message);
    return { name, ...(namespace !== undefined && { namespace }) };
  }
}

function check(key: string, current: WindlassObject, wanted: Preconditions): void {
  const { resourceVersion, uid } = wanted;
  const wrongVersion =
    resourceVersion !== undefined && resourceVersion !== "" && resourceVersion !== current.metadata.resourceVersion;
  const wrongUid = uid !== undefined && uid !== "" && uid !== current.metadata.uid;
  if (wrongVersion || wrongUid)
    throw new ConflictError(key, current, { ...(wrongVersion && { resourceVersion }), ...(wrongUid && { uid }) });
}

/** Objects are JSON: every kind's schema is. */
const asJson = (object: WindlassObject): JsonObject => object as unknown as JsonObject;
