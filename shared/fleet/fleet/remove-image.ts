/**
 * Removes an image from every node: its name, and the ids it had before there that nothing else names. A node that has it not is no error;
 * one that can't be reached is told and stays in the Image, so that a later removal finds it; one that refuses is an error.
 */
import type { Node } from "../../kinds/node.ts";
import type { Call } from "../engine/call.ts";
import type { RemovedImage } from "../engine/images.ts";
import type { Engine } from "../engine.ts";
import { isNetworkError, isNotFound, type NodeError, NodesFailedError, noSuchImage } from "./errors.ts";
import { onAllNodes } from "./fan-out.ts";
import type { Ground } from "./ground.ts";
import { type Gone, ImageLedger } from "./image-ledger.ts";
import { isImageId, parseReference } from "./image-reference.ts";

export type RemoveHow = { readonly force?: boolean; readonly noPrune?: boolean; readonly signal?: AbortSignal };

export type Removal = {
  /** By node: what was untagged and deleted. */
  readonly removed: readonly { readonly nodeName: string; readonly rows: readonly RemovedImage[] }[];
  /** Nodes that could not be reached: they may have it still. */
  readonly unreached: readonly NodeError[];
};

/** Deleting layers of gigabytes takes an engine minutes. */
const removeMs = 300_000;

export async function removeEverywhere(
  ground: Ground,
  nodes: readonly Node[],
  reference: string,
  how: RemoveHow,
): Promise<Removal> {
  const ledger = new ImageLedger(ground.store);
  const parsed = isImageId(reference) ? undefined : parseReference(reference);
  const history = (parsed && (await ledger.find(parsed)))?.status?.history;
  const { values, errors } = await ask(ground, nodes, { reference, history: history ?? [], how });
  const removed = values
    .filter(({ value }) => value.length > 0)
    .map(({ node, value }) => ({ nodeName: node.metadata.name, rows: value }));
  if (parsed !== undefined && history !== undefined) {
    const stays = new Set(errors.map(({ nodeName }) => nodeName));
    await ledger.forget(
      parsed,
      history.map((one) => goneOf(one, stays)),
    );
  }
  await forgetDeleted(ledger, removed);
  const refused = errors.filter(({ cause }) => !isNetworkError(cause));
  const names = removed.map(({ nodeName }) => nodeName);
  if (refused.length > 0) throw new NodesFailedError("remove image", refused, names);
  // Where a node could not be asked, it can't be said that there is no such image.
  if (removed.length === 0 && history === undefined) throw errors[0] ?? noSuchImage(reference);
  return { removed, unreached: errors };
}

type Asked = { readonly reference: string; readonly history: readonly Gone[]; readonly how: RemoveHow };

function ask({ engines }: Ground, nodes: readonly Node[], { reference, history, how }: Asked) {
  const { signal, ...options } = how;
  const idsOn = ({ metadata }: Node): readonly string[] =>
    history.filter(({ nodeNames }) => nodeNames.includes(metadata.name)).map(({ imageId }) => imageId);
  const call = async (engine: Engine, each: Call, node: Node): Promise<readonly RemovedImage[]> => {
    const named = await orNone(engine.images.remove(reference, options, each));
    return [...named, ...(await removeFormer(engine, idsOn(node), each))];
  };
  return onAllNodes({ command: "remove image", nodes, engines, call, signal, timeoutMs: removeMs });
}

/** What an engine deleted has no name there any more, whatever it was called when it was removed: by its id, or by a part of it. */
async function forgetDeleted(ledger: ImageLedger, removed: Removal["removed"]): Promise<void> {
  const nodesOf = new Map<string, string[]>();
  for (const { nodeName, rows } of removed) {
    for (const { Deleted: id } of rows) if (id !== undefined) nodesOf.set(id, [...(nodesOf.get(id) ?? []), nodeName]);
  }
  if (nodesOf.size === 0) return;
  for (const { spec, status } of await ledger.all()) {
    const gone = (status?.history ?? []).flatMap(({ imageId }) => {
      const nodeNames = nodesOf.get(imageId);
      return nodeNames === undefined ? [] : [{ imageId, nodeNames }];
    });
    if (gone.length > 0) await ledger.forget(parseReference(spec.reference), gone);
  }
}

/** What another name still holds is left: to remove an id takes all its names. */
async function removeFormer(engine: Engine, ids: readonly string[], call: Call): Promise<readonly RemovedImage[]> {
  const rows: RemovedImage[] = [];
  for (const id of ids) {
    const there = await engine.images.inspect(id, call).catch(undefinedIfNotFound);
    if (there !== undefined && (there.RepoTags ?? []).length === 0)
      rows.push(...(await orNone(engine.images.remove(id, {}, call))));
  }
  return rows;
}

/** Also nodes that are registered no more: nothing of theirs can be removed. */
const goneOf = ({ imageId, nodeNames }: Gone, stays: ReadonlySet<string>): Gone => ({
  imageId,
  nodeNames: nodeNames.filter((name) => !stays.has(name)),
});

const orNone = async (rows: Promise<readonly RemovedImage[]>): Promise<readonly RemovedImage[]> =>
  (await rows.catch(undefinedIfNotFound)) ?? [];

function undefinedIfNotFound(error: unknown): undefined {
  if (!isNotFound(error)) throw error;
}
