/**
 * A look at a data folder that no server holds: every life's rows against its log, its markers, the tokens. With `fix` what can be
 * mended is; then it looks again. The checks are in shared/state/doctor/, the tokens' in shared/api/access/.
 */
import { Tokens } from "../../shared/api/access/tokens.ts";
import { systemClock } from "../../shared/base/clock.ts";
import { newSecret, systemIds } from "../../shared/base/ids.ts";
import type { Logger } from "../../shared/base/logger.ts";
import { clusterKind } from "../../shared/kinds/cluster.ts";
import { prefixOf } from "../../shared/kinds/definition.ts";
import { builtinKinds, createRegistry } from "../../shared/kinds/registry.ts";
import { openForRepair, type RepairStore } from "../../shared/log/sqlite/repair.ts";
import { installationUid } from "../../shared/state/clusters.ts";
import type { Finding, Mending } from "../../shared/state/doctor/finding.ts";
import { checkLife, type Life } from "../../shared/state/doctor/life-check.ts";
import { beginNewLives, endMove, type NewLivesOptions, unfinishedMove } from "../../shared/state/doctor/new-lives.ts";

/** Of the installation, clusters and all. */
const pageRows = 500;
const actor = "system:doctor";

export class Doctor {
  readonly #store: RepairStore;
  readonly #tokens: Tokens;
  readonly #logger: Logger;

  /** @throws DataFolderError: a server holds the folder, or it is not one; nothing is made. */
  constructor(folder: string, logger: Logger) {
    this.#store = openForRepair(folder, { pid: process.pid });
    this.#logger = logger;
    const { cells } = this.#store;
    this.#tokens = new Tokens({ cells, rootUid: installationUid, clock: systemClock, ids: systemIds, newSecret });
  }

  close(): Promise<void> {
    return this.#store.close();
  }

  /** Everything that is wrong; empty: nothing. */
  async look(): Promise<readonly Finding[]> {
    const root = await this.#rootUid();
    if (root === undefined)
      return [{ where: "root", problem: "no cell names the root's life: there is no installation", mending: undefined }];
    const move = await unfinishedMove(this.#store.cells);
    const clusters = await this.#clusters(root);
    const found: Finding[] = [];
    if (move !== undefined)
      found.push({
        where: "root",
        problem: "a move to new lives was not finished: run it again with --restored",
        mending: undefined,
      });
    for (const life of [{ name: "root", uid: root }, ...clusters]) found.push(...(await checkLife(this.#store, life)));
    const strays = await this.#tokens.strays(new Set(clusters.map(({ uid }) => uid)));
    if (move === undefined)
      for (const { cell, problem } of strays) found.push({ where: "tokens", problem, mending: cellMending(cell) });
    return found;
  }

  /** Mends what can be; how many. */
  async fix(findings: readonly Finding[]): Promise<number> {
    const mendings = findings.map(({ mending }) => mending).filter((mending) => mending !== undefined);
    for (const mending of mendings) await this.#mend(mending);
    return mendings.length;
  }

  /** Begins new lives for everything, or finishes what broke off; how many clusters, the root not counted. */
  async renew(): Promise<number> {
    const { log, objects, cells } = this.#store;
    const common = { clock: systemClock, ids: systemIds, logger: this.#logger, registry: createRegistry(builtinKinds) };
    const options: NewLivesOptions = { ...common, log, objects, cells, actor };
    const moved = (await unfinishedMove(cells)) ?? (await beginNewLives(options));
    await this.#tokens.rescope(moved);
    await endMove(options, moved);
    return moved.size - 1;
  }

  async #mend(mending: Mending): Promise<void> {
    switch (mending.kind) {
      case "rows":
        return this.#store.replaceRows(mending.uid, mending.writes, systemClock.now());
      case "markers":
        return this.#store.setMarkers(mending.uid, mending.markers);
      case "cell":
        await this.#store.cells.delete(mending.uid, mending.key, mending.version);
        return;
      default:
        return mending satisfies never;
    }
  }

  async #rootUid(): Promise<string | undefined> {
    const uid = (await this.#store.cells.get(installationUid, "root"))?.value["uid"];
    return typeof uid === "string" ? uid : undefined;
  }

  /** By the root's rows: a store on them would trust what is to be looked at. */
  async #clusters(root: string): Promise<readonly Life[]> {
    const lives: Life[] = [];
    for (let after: string | undefined; ; ) {
      const range = { prefix: prefixOf(clusterKind), limit: pageRows, ...(after !== undefined && { after }) };
      const { rows, next } = await this.#store.objects.page(root, range);
      for (const { key, value } of rows) {
        const { metadata } = value as { readonly metadata?: { readonly uid?: unknown } };
        if (typeof metadata?.uid === "string") lives.push({ name: key.slice(prefixOf(clusterKind).length), uid: metadata.uid });
      }
      if (next === undefined) return lives;
      after = next;
    }
  }
}

const cellMending = ({ key, version }: { readonly key: string; readonly version: number }): Mending => ({
  kind: "cell",
  uid: installationUid,
  key,
  version,
});
