/**
 * A look at a data folder that no server holds: every life's rows against its log, its markers, the tokens. With `fix` what can be
 * mended is; then it looks again. The checks are in shared/state/doctor/, the tokens' in shared/access/.
 */
import { Tokens } from "../../shared/access/tokens.ts";
import { systemClock } from "../../shared/base/clock.ts";
import { newSecret, systemIds } from "../../shared/base/ids.ts";
import type { Logger } from "../../shared/base/logger.ts";
import { builtinKinds, createRegistry } from "../../shared/kinds/registry.ts";
import { openForRepair, type RepairStore } from "../../shared/log/sqlite/repair.ts";
import { installationUid } from "../../shared/state/clusters.ts";
import type { Finding, Mending } from "../../shared/state/doctor/finding.ts";
import { checkInstallation } from "../../shared/state/doctor/installation-check.ts";
import { beginNewLives, endMove, type NewLivesOptions, unfinishedMove } from "../../shared/state/doctor/new-lives.ts";

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
  look(): Promise<readonly Finding[]> {
    return checkInstallation(this.#store, (uids) => this.#tokens.strayFindings(uids));
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
}
