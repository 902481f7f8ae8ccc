/**
 * How a node has fared lately, as far as no object says it: failures in a row, counted in one cell a node beside the log, by its uid, so
 * that a later node at its address or of its name begins anew. Counting needs no lease: a report is never lost because somebody else
 * works on the node. A node that fares well has no cell that is written.
 */
import type { Clock } from "../../base/clock.ts";
import type { Cell, CellPut, Cells } from "../../log/ports.ts";
import { BusyError } from "../../state/errors.ts";

export type Health = {
  /** Where the engine was then: at another address it begins anew. */
  readonly address: string;
  /** In a row, whoever saw them. */
  readonly failures: number;
  /** Those of them that were probes; probes alone declare a node down. */
  readonly probeFailures: number;
  /** Failures of calls to an engine that answered. */
  readonly callFailures: number;
  /** Times are milliseconds since 1970. The first that was not reached. */
  readonly silentSinceMs?: number;
  readonly probeFailedMs?: number;
  readonly callFailedMs?: number;
  readonly lastError?: string;
};

/** What happened; those that come together are counted together. */
export type Report = {
  readonly address: string;
  readonly atMs: number;
  readonly error: string;
  /** Not reached by a probe. */
  readonly probes: number;
  /** Not reached by calls. */
  readonly silences: number;
  /** Refused, or failed, by an engine that was reached. */
  readonly calls: number;
  /** How many of them count as failures. */
  readonly counted: number;
};

/** `version`: of its cell. */
export type HealthEntry = { readonly health: Health; readonly version: number };

export type HealthBookOptions = { readonly cells: Cells; readonly uid: string; readonly clock: Clock; readonly apartMs: number };

const prefix = "health/";
/** Others may count first so often. */
const losesMax = 100;
/** Cells of nodes that are long gone are removed at once at the most. */
const sweepMax = 100;
/** Nodes of a cluster, and those that were removed within a day. */
const cellsMax = 20_000;
/** A node that nobody failed to reach for so long has forgotten the last time. */
const keptMs = 24 * 3_600_000;

type Waiting = { report: Report | undefined; next: PromiseWithResolvers<Health> };

export class HealthBook {
  readonly #options: HealthBookOptions;
  /** Reports that wait for the one that is being written, by node: they are merged, so that there is one at the most. */
  readonly #waiting = new Map<string, Waiting>();

  constructor(options: HealthBookOptions) {
    this.#options = options;
  }

  /** By the nodes' uids; a node that is not there has no failures. */
  async all(): Promise<ReadonlyMap<string, HealthEntry>> {
    const { cells, uid, clock } = this.#options;
    const list = await cells.list(uid, prefix, cellsMax);
    const now = clock.now();
    const over = list.filter(({ expires = 0 }) => expires <= now).slice(0, sweepMax);
    await Promise.all(over.map(({ key, version }) => cells.delete(uid, key, version)));
    return new Map(list.flatMap((cell) => entryOf(cell, now)).map((entry) => [entry.key, entry] as const));
  }

  async of(node: string): Promise<HealthEntry | undefined> {
    const { cells, uid, clock } = this.#options;
    const cell = await cells.get(uid, prefix + node);
    return cell && entryOf(cell, clock.now())[0];
  }

  /** Counts what happened to the node of that uid; how it fares then. @throws BusyError when others always come first. */
  async count(node: string, report: Report): Promise<Health> {
    const line = this.#waiting.get(node);
    if (line !== undefined) {
      line.report = line.report === undefined ? report : merged(line.report, report);
      return line.next.promise;
    }
    const mine: Waiting = { report: undefined, next: Promise.withResolvers() };
    this.#waiting.set(node, mine);
    try {
      return await this.#write(node, report);
    } finally {
      void this.#goOn(node, mine);
    }
  }

  /** Forgets the failures, unless more came since `version`. */
  async reset(node: string, { health: { address }, version }: HealthEntry): Promise<void> {
    const { cells, uid, clock } = this.#options;
    const value = { address, failures: 0, probeFailures: 0, callFailures: 0 };
    await cells.put(uid, { key: prefix + node, value, expires: clock.now() + keptMs, when: { version } });
  }

  /** The node of that uid is gone. */
  async forget(node: string): Promise<void> {
    const { cells, uid } = this.#options;
    const cell = await cells.get(uid, prefix + node);
    if (cell !== undefined) await cells.delete(uid, cell.key, cell.version);
  }

  /** Writes what came meanwhile, until nothing does. */
  async #goOn(node: string, line: Waiting): Promise<void> {
    const { report, next } = line;
    if (report === undefined) {
      this.#waiting.delete(node);
      return;
    }
    line.report = undefined;
    line.next = Promise.withResolvers();
    await this.#write(node, report).then(next.resolve, next.reject);
    await this.#goOn(node, line);
  }

  async #write(node: string, report: Report): Promise<Health> {
    const { cells, uid, clock, apartMs } = this.#options;
    const key = prefix + node;
    let cell = await cells.get(uid, key);
    for (let loses = 0; loses < losesMax; loses += 1) {
      const before = cell && entryOf(cell, clock.now())[0]?.health;
      const value = after(before, report, apartMs);
      if (value === before) return value;
      const when: CellPut["when"] = cell === undefined ? "absent" : { version: cell.version };
      const put = await cells.put(uid, { key, value, expires: report.atMs + keptMs, when });
      if (put.kind === "put") return value;
      cell = put.cell;
    }
    throw new BusyError(`others counted failures of node ${node} ${losesMax} times in between; try again`);
  }
}

function entryOf(cell: Cell, now: number): (HealthEntry & { readonly key: string })[] {
  if ((cell.expires ?? 0) <= now) return [];
  // Only this room writes such cells.
  return [{ key: cell.key.slice(prefix.length), health: cell.value as unknown as Health, version: cell.version }];
}

const merged = (one: Report, other: Report): Report => ({
  address: other.address,
  atMs: other.atMs,
  error: other.error,
  probes: one.probes + other.probes,
  silences: one.silences + other.silences,
  calls: one.calls + other.calls,
  counted: one.counted + other.counted,
});

/** The same object where a failed probe is no news: another healer's failed at the same moment. */
function after(before: Health | undefined, report: Report, apartMs: number): Health {
  const health = before?.address === report.address ? before : newHealth(report.address);
  const { probes, silences, calls, counted, atMs, error } = report;
  const isEcho = probes > 0 && health.probeFailedMs !== undefined && atMs - health.probeFailedMs < apartMs;
  const newProbes = isEcho ? 0 : Math.min(1, probes);
  if (before === health && newProbes === 0 && silences === 0 && calls === 0) return health;
  return {
    ...health,
    failures: health.failures + counted - (probes - newProbes),
    probeFailures: health.probeFailures + newProbes,
    callFailures: health.callFailures + calls,
    lastError: error,
    ...(newProbes + silences > 0 && { silentSinceMs: health.silentSinceMs ?? atMs }),
    ...(newProbes > 0 && { probeFailedMs: atMs }),
    ...(calls > 0 && { callFailedMs: atMs }),
  };
}

const newHealth = (address: string): Health => ({ address, failures: 0, probeFailures: 0, callFailures: 0 });
