/**
 * The engine of each node, opened once and kept while it is asked for. Keys and certificates come from where the node, else the cluster,
 * names them, at each connection: one that is rotated holds from the next one on. A node whose address or secret changed is opened anew;
 * to dispose of an engine ends its idle connections only, so whoever is in the middle of a call is left in peace.
 */
import type { Clock } from "../../base/clock.ts";
import type { Node } from "../../kinds/node.ts";
import { inTime } from "../engine/in-time.ts";
import type { TlsMaterial } from "../engine/tls.ts";
import type { Engine } from "../engine.ts";
import { EngineUnreachableError } from "../engine-errors.ts";
import { tlsMaterialOf } from "../secrets/forms.ts";
import type { SecretResolver } from "../secrets/resolver.ts";
import { EnginesClosedError } from "./errors.ts";

/** `tls` is asked at each connection. Absent: none, unless the address says https. */
export type OpenEngine = (options: {
  readonly address: string;
  readonly tls?: () => Promise<TlsMaterial>;
  readonly clock: Clock;
}) => Promise<Engine>;

export type NodeEnginesOptions = {
  readonly open: OpenEngine;
  readonly secrets: SecretResolver;
  readonly clock: Clock;
  /** For nodes at tcp:// and https:// that name no secret of their own. undefined: there is none, and they are spoken to as their address says. */
  readonly clusterTls?: () => Promise<TlsMaterial | undefined>;
  /** Absent: enginesMax. */
  readonly keptMax?: number;
};

/** Engines kept open: what a cluster may have nodes. The one that was asked for longest ago goes. */
const enginesMax = 10_000;
/** An engine that nobody asked for so long is closed: longer than the pause between two rounds of whoever looks after it, on any host. */
export const engineIdleMs = 600_000;
/** How often that is looked after. */
const sweepMs = 60_000;
/** For so long it is taken for granted that the cluster has material, or none: a round asks for a thousand engines. */
const presenceMs = 1_000;
/** Until it is known whether the cluster has material: as long as a connection may take. */
const clusterTlsMs = 10_000;

type Kept = { readonly spec: string; readonly engine: Promise<Engine>; usedMs: number };

export class NodeEngines implements AsyncDisposable {
  readonly #options: NodeEnginesOptions;
  /** By the nodes' uids, in the order of their last use. */
  readonly #kept = new Map<string, Kept>();
  #sweptMs: number;
  #isClosed = false;
  #presence: { readonly atMs: number; readonly isThere: Promise<boolean> } | undefined;

  constructor(options: NodeEnginesOptions) {
    this.#options = options;
    this.#sweptMs = options.clock.monotonic();
  }

  /** Engines that are open now. */
  get size(): number {
    return this.#kept.size;
  }

  /**
   * Rejects when the address is none; a failure is not kept.
   * @throws EnginesClosedError after the end; EngineUnreachableError when the cluster's material is late.
   */
  async of(node: Node): Promise<Engine> {
    const tls = await this.#tlsOf(node);
    if (this.#isClosed) throw new EnginesClosedError();
    const { uid } = node.metadata;
    const spec = `${node.spec.address} ${tls?.from ?? ""}`;
    const there = this.#kept.get(uid);
    const isSame = there?.spec === spec;
    const kept: Kept = isSame ? there : { spec, engine: this.#open(node.spec.address, tls), usedMs: 0 };
    if (!isSame) {
      this.#close(uid);
      kept.engine.catch(() => this.#kept.get(uid) === kept && this.#kept.delete(uid));
    }
    kept.usedMs = this.#options.clock.monotonic();
    this.#kept.delete(uid);
    this.#kept.set(uid, kept);
    this.#sweep();
    return kept.engine;
  }

  /** The node of this uid is gone. */
  forget(uid: string): void {
    this.#close(uid);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosed = true;
    const engines = [...this.#kept.values()];
    this.#kept.clear();
    await Promise.all(engines.map(close));
  }

  #open(address: string, tls: Tls | undefined): Promise<Engine> {
    const { open, clock } = this.#options;
    return open({ address, clock, ...(tls && { tls: tls.material }) });
  }

  async #tlsOf({ spec }: Node): Promise<Tls | undefined> {
    const { secrets, clusterTls } = this.#options;
    const name = spec.tls?.secretRef.name;
    if (name !== undefined) {
      return { from: `secret ${name}`, material: async () => tlsMaterialOf(name, await secrets.resolve(name)) };
    }
    if (clusterTls === undefined || !/^(tcp|https):/.test(spec.address)) return undefined;
    if (!(await this.#inTime(this.#hasClusterTls(clusterTls), spec.address))) return undefined;
    // Gone since: still TLS, so that nothing is said in the open that was not meant to be.
    return { from: "cluster", material: async () => (await clusterTls()) ?? {} };
  }

  #inTime<T>(work: Promise<T>, address: string): Promise<T> {
    const late = () => {
      const cause = new Error(`the cluster's certificate could not be had in ${clusterTlsMs} ms`);
      return new EngineUnreachableError(address, { cause, mayHaveHappened: false });
    };
    return inTime(work, { clock: this.#options.clock, ms: clusterTlsMs, late });
  }

  #hasClusterTls(clusterTls: () => Promise<TlsMaterial | undefined>): Promise<boolean> {
    const now = this.#options.clock.monotonic();
    if (this.#presence !== undefined && now - this.#presence.atMs < presenceMs) return this.#presence.isThere;
    const isThere = clusterTls().then((material) => material !== undefined);
    const presence = { atMs: now, isThere };
    this.#presence = presence;
    isThere.catch(() => {
      if (this.#presence === presence) this.#presence = undefined;
    });
    return isThere;
  }

  /** The first of the map was asked for longest ago. */
  #sweep(): void {
    const now = this.#options.clock.monotonic();
    while (this.#kept.size > (this.#options.keptMax ?? enginesMax)) this.#closeFirst();
    if (now - this.#sweptMs < sweepMs) return;
    this.#sweptMs = now;
    for (const [uid, { usedMs }] of this.#kept) {
      if (now - usedMs < engineIdleMs) return;
      this.#close(uid);
    }
  }

  #closeFirst(): void {
    const first = this.#kept.keys().next();
    if (first.done !== true) this.#close(first.value);
  }

  #close(uid: string): void {
    const kept = this.#kept.get(uid);
    if (kept === undefined) return;
    this.#kept.delete(uid);
    void close(kept);
  }
}

/** `from`: another one is another engine. */
type Tls = { readonly from: string; readonly material: () => Promise<TlsMaterial> };

/** One that could not be opened has nothing to close, and its failure was told to those who asked for it. */
async function close({ engine }: Kept): Promise<void> {
  const opened = await engine.catch(() => undefined);
  await opened?.[Symbol.asyncDispose]();
}
