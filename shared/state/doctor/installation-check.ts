/** A look at a whole installation's state, lives and all, while nobody else or anybody writes it. What is wrong is told; nothing is changed. */
import { clusterKind } from "../../kinds/cluster.ts";
import { prefixOf } from "../../kinds/definition.ts";
import type { Cells, Log, Objects } from "../../log/ports.ts";
import { installationUid } from "../clusters.ts";
import type { Finding } from "./finding.ts";
import { checkLife, type Life } from "./life-check.ts";
import { unfinishedMove } from "./new-lives.ts";

export type InstallationPorts = { readonly log: Log; readonly objects: Objects; readonly cells: Cells };

/** What else knows of clusters by their uids: given those that there are, what it holds for none of them. */
export type StraysOf = (uids: ReadonlySet<string>) => Promise<readonly Finding[]>;

const pageRows = 500;

/** Everything that is wrong; empty: nothing. Memory: the newest object of every key of one life. */
export async function checkInstallation(ports: InstallationPorts, straysOf: StraysOf): Promise<readonly Finding[]> {
  const root = (await ports.cells.get(installationUid, "root"))?.value["uid"];
  if (typeof root !== "string") return [unmendable("no cell names the root's life: there is no installation")];
  const isMoving = (await unfinishedMove(ports.cells)) !== undefined;
  const clusters = await clustersOf(ports.objects, root);
  const found = isMoving ? [unmendable("a move to new lives was not finished: run it again with --restored")] : [];
  for (const life of [{ name: "root", uid: root }, ...clusters]) found.push(...(await checkLife(ports, life)));
  if (!isMoving) found.push(...(await straysOf(new Set(clusters.map(({ uid }) => uid)))));
  return found;
}

const unmendable = (problem: string): Finding => ({ where: "root", problem, mending: undefined });

/** By the root's rows: a store on them would trust what is to be looked at. */
async function clustersOf(objects: Objects, root: string): Promise<readonly Life[]> {
  const prefix = prefixOf(clusterKind);
  const lives: Life[] = [];
  for (let after: string | undefined; ; ) {
    const { rows, next } = await objects.page(root, { prefix, limit: pageRows, ...(after !== undefined && { after }) });
    for (const { key, value } of rows) {
      const { metadata } = value as { readonly metadata?: { readonly uid?: unknown } };
      if (typeof metadata?.uid === "string") lives.push({ name: key.slice(prefix.length), uid: metadata.uid });
    }
    if (next === undefined) return lives;
    after = next;
  }
}
