/**
 * What informers must come through: an embedded server under churn whose connections are cut, whose readers are held back, which is
 * ended, killed, and whose log is compacted while it is away. Clients reach it through a proxy, by a kubeconfig, over TLS.
 */
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { systemClock } from "../../shared/base/clock.ts";
import { systemIds } from "../../shared/base/ids.ts";
import { silentLogger } from "../../shared/base/logger.ts";
import { nodeKind } from "../../shared/kinds/node.ts";
import { apiVersion } from "../../shared/kinds/object.ts";
import { builtinKinds, createRegistry } from "../../shared/kinds/registry.ts";
import { openSqlite } from "../../shared/log/sqlite/open.ts";
import { Clusters, defaultCluster } from "../../shared/state/clusters.ts";
import { Stripper } from "../../shared/state/stripper.ts";
import { Server } from "../local/server.ts";
import { FaultyProxy } from "./proxy.ts";

const nodes = "/apis/windlass.dev/v1/nodes";
/** Names that are written: few, so that objects are made, changed and deleted over and over. */
const namesMax = 60;
const writersAtOnce = 4;

/** Names and versions: what two pictures of the cluster are compared by. */
export type Picture = ReadonlyMap<string, string>;
export type Figures = { writes: number; restarts: number; kills: number; compactions: number; cuts: number; holds: number };

type Listed = { readonly items: readonly { readonly metadata: { readonly name: string; readonly resourceVersion: string } }[] };

export class Dance {
  readonly folder: string;
  readonly figures: Figures = { writes: 0, restarts: 0, kills: 0, compactions: 0, cuts: 0, holds: 0 };
  readonly #proxy: FaultyProxy;
  #server: Server;
  #turn = 0;

  private constructor(folder: string, proxy: FaultyProxy, server: Server) {
    this.folder = folder;
    this.#proxy = proxy;
    this.#server = server;
    proxy.target = server.port;
  }

  static async start(): Promise<Dance> {
    const folder = await mkdtemp(path.join(tmpdir(), "windlass-dance-"));
    const proxy = await FaultyProxy.start();
    const dance = new Dance(folder, proxy, await Server.start(folder));
    const kubeconfig = await readFile(dance.#server.kubeconfig, "utf8");
    await writeFile(dance.kubeconfig, kubeconfig.replace(/(https:\/\/127\.0\.0\.1):\d+/g, `$1:${proxy.port}`), { mode: 0o600 });
    return dance;
  }

  /** Leads through the proxy; the server's own is written anew at each start. */
  get kubeconfig(): string {
    return path.join(this.folder, "kubeconfig-proxied");
  }

  get pid(): number {
    return this.#server.child.pid ?? 0;
  }

  /** Creates, changes and deletes; each write must be answered by the server, whatever the answer. */
  async churn(writes: number): Promise<void> {
    let left = writes;
    const writer = async () => {
      while (left-- > 0) await this.#write();
    };
    await Promise.all(Array.from({ length: writersAtOnce }, writer));
    this.figures.writes += writes;
  }

  cut(): void {
    this.#proxy.cut();
    this.figures.cuts += 1;
  }

  /** Clients read nothing while `writes` happen. */
  async hold(writes: number): Promise<void> {
    const go = this.#proxy.hold();
    await this.churn(writes);
    go();
    this.figures.holds += 1;
  }

  async restart(signal: "SIGTERM" | "SIGKILL"): Promise<void> {
    await this.#away(signal, async () => undefined);
    if (signal === "SIGTERM") this.figures.restarts += 1;
    else this.figures.kills += 1;
  }

  /** While the server is away something is written and the whole log stripped: who resumes gets a 410. */
  async compact(): Promise<void> {
    await this.#away("SIGTERM", () => writeAndStrip(this.folder, this.#turn));
    this.figures.compactions += 1;
  }

  /** A fresh list. */
  async list(selector = ""): Promise<Picture> {
    const { status, body } = await this.#server.ask("GET", `${nodes}?labelSelector=${selector}`);
    if (status !== 200) throw new Error(`a list answered ${status}: ${body}`);
    return pictureOf((JSON.parse(body) as Listed).items);
  }

  async end(): Promise<void> {
    await this.#proxy.end();
    await this.#server.end();
    await rm(this.folder, { recursive: true });
  }

  async #away(signal: "SIGTERM" | "SIGKILL", meanwhile: () => Promise<void>): Promise<void> {
    this.#proxy.target = undefined;
    await this.#server.end(signal);
    this.#proxy.cut();
    await meanwhile();
    this.#server = await Server.start(this.folder);
    this.#proxy.target = this.#server.port;
  }

  async #write(): Promise<void> {
    this.#turn += 1;
    const turn = this.#turn;
    const name = `n-${(turn * 7) % namesMax}`;
    const labels = { tier: turn % 3 === 0 ? "web" : "other", turn: String(turn) };
    const object = { metadata: { name, labels }, spec: { address: "tcp://127.0.0.1:1" } };
    if (turn % 5 === 0) {
      await this.#ask("DELETE", `${nodes}/${name}`, [200, 404]);
      return;
    }
    if ((await this.#ask("PUT", `${nodes}/${name}`, [200, 404], object)) === 404)
      await this.#ask("POST", nodes, [201, 409], object);
  }

  async #ask(method: string, url: string, wanted: readonly number[], body?: object): Promise<number> {
    const { status, body: text } = await this.#server.ask(method, url, body);
    if (!wanted.includes(status)) throw new Error(`${method} ${url} answered ${status}: ${text}`);
    return status;
  }
}

export const pictureOf = (items: Listed["items"]): Picture =>
  new Map(items.map(({ metadata }) => [metadata.name, metadata.resourceVersion]));

export const isSamePicture = (one: Picture, other: Picture): boolean =>
  one.size === other.size && [...one].every(([name, version]) => other.get(name) === version);

/** As the server's own upkeep does when everything is old. */
async function writeAndStrip(folder: string, turn: number): Promise<void> {
  const sqlite = openSqlite(folder, { pid: process.pid });
  const common = { clock: systemClock, ids: systemIds, logger: silentLogger, registry: createRegistry(builtinKinds) };
  const clusters = await Clusters.open({ ...common, ...sqlite });
  const store = await clusters.resolve(defaultCluster);
  if (store === undefined) throw new Error("the default cluster is always there");
  const spec = nodeKind.spec.parse({ address: "tcp://127.0.0.1:2" });
  for (let write = 0; write < 3; write += 1) {
    const input = { apiVersion, kind: "Node", metadata: { name: `away-${turn}-${write}` }, spec };
    await store.update((transaction) => void transaction.nodes.create(input), { actor: "dance" });
  }
  await store.update((transaction) => void transaction.nodes.delete(`away-${turn}-0`), { actor: "dance" });
  const markers = await sqlite.objects.markers(store.uid);
  if (markers !== undefined && markers.applied > markers.published)
    await sqlite.objects.move(store.uid, "published", { from: markers.published, to: markers.applied });
  await new Stripper(sqlite).run(store.uid, { before: Number.MAX_SAFE_INTEGER, steps: 100_000 });
  clusters.close();
  await sqlite.close();
}
