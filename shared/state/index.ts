/**
 * `windlass/state`: the store for embedding. Open the clusters of an installation on the ports of an adapter (`windlass/log/sqlite`)
 * with a registry of kinds (`windlass/kinds`), resolve a cluster by its name, and read, change and watch it. An entry point of the
 * package; inside the project, files import each other.
 */
export { type Clock, systemClock } from "../base/clock.ts";
export { type Ids, systemIds } from "../base/ids.ts";
export { jsonLogger, type Logger, type LogLevel, silentLogger } from "../base/logger.ts";
export type { Cells, Change, Entry, Log, Objects } from "../log/ports.ts";
export type { BatchResult, BatchStep } from "./batch.ts";
export { Clusters, type ClustersOptions, defaultCluster, withCluster } from "./clusters.ts";
export type { Answer, CommitEvent } from "./committer.ts";
export * from "./errors.ts";
export * from "./event.ts";
export * from "./selector.ts";
export type { Snapshot } from "./snapshot.ts";
export type { Store, UpdateOptions, ViewOptions } from "./store.ts";
export type { Preconditions, ReadTable, Transaction, WriteTable } from "./transaction.ts";
export { type Position, parseVersion, versionAt, versionOf } from "./version.ts";
export { type Watch, type WatchEnd, WatchEndedError } from "./watch.ts";
