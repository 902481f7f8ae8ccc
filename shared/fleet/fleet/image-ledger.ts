/**
 * Which node has which image, in Image objects: the source's ImageStorage. What several nodes tell is committed together, and only what
 * changes something is. Former ids stay in the history until they are removed, so that a removal everywhere finds them.
 */
import { isDeepStrictEqual } from "node:util";
import { type Image, type ImageStatus, imageIdsMax, imageKind, imageNodesMax } from "../../kinds/image.ts";
import { apiVersion } from "../../kinds/object.ts";
import type { Store } from "../../state/store.ts";
import type { Transaction } from "../../state/transaction.ts";
import { noSuchImage } from "./errors.ts";
import { fleetActor } from "./ground.ts";
import { type ImageReference, imageNameOf } from "./image-reference.ts";

/** Of one node. */
export type Sighting = { readonly nodeName: string; readonly imageId: string; readonly sizeBytes?: number | undefined };
export type ImageNews = {
  readonly seen?: readonly Sighting[];
  /** Of the pull or push that this tells of. */
  readonly digest?: string | undefined;
  /** What went wrong; empty: nothing did. Absent: as it was. */
  readonly message?: string;
  readonly pullSecretName?: string | undefined;
};
/** An id on nodes, that is there no more. */
export type Gone = { readonly imageId: string; readonly nodeNames: readonly string[] };

type History = NonNullable<ImageStatus["history"]>;

export class ImageLedger {
  readonly #store: Store;

  constructor(store: Store) {
    this.#store = store;
  }

  /** Also an Image that no node has. */
  async find(reference: ImageReference): Promise<Image | undefined> {
    return (await this.#store.view(({ images }) => images.get(imageNameOf(reference)))).value;
  }

  /** One that a node has. @throws NoSuchImageError */
  async get(
    reference: ImageReference,
  ): Promise<Image & { readonly status: { readonly last: NonNullable<ImageStatus["last"]> } }> {
    const image = await this.find(reference);
    const last = image?.status?.last;
    if (image === undefined || last === undefined) throw noSuchImage(reference.text);
    return { ...image, status: { ...image.status, last } };
  }

  async all(): Promise<readonly Image[]> {
    return (await this.#store.view(({ images }) => images.find())).value;
  }

  /** Makes the Image where there is none and a node has it. */
  async note(reference: ImageReference, news: ImageNews): Promise<void> {
    await this.#store.update((transaction) => note(transaction, reference, news), { actor: fleetActor });
  }

  /** The Image goes with its last node. */
  async forget(reference: ImageReference, gone: readonly Gone[]): Promise<void> {
    const call = ({ images }: Transaction): void => {
      const image = images.get(imageNameOf(reference));
      if (image?.status === undefined) return;
      const history = without(image.status.history ?? [], gone);
      if (history.length === 0) images.delete(image.metadata.name);
      else images.update({ ...image, status: { ...image.status, history, last: lastOf(history, image.status.last) } });
    };
    await this.#store.update(call, { actor: fleetActor });
  }
}

function note({ images }: Transaction, reference: ImageReference, news: ImageNews): void {
  const name = imageNameOf(reference);
  const image = images.get(name);
  const status = statusWith(image?.status, news);
  if (image !== undefined) {
    if (!isDeepStrictEqual(status, image.status)) images.update({ ...image, status });
    return;
  }
  const { pullSecretName, seen = [] } = news;
  if (seen.length === 0) return;
  const spec = imageKind.spec.parse({
    reference: reference.text,
    ...(pullSecretName !== undefined && { pullSecretRef: { name: pullSecretName } }),
  });
  images.create({ apiVersion, kind: "Image", metadata: { name }, spec, status });
}

function statusWith(before: ImageStatus | undefined, { seen = [], digest, message }: ImageNews): ImageStatus {
  // What is known already is no news, though it is another node's turn: not each container that is made is to write its Image.
  const newest = seen.findLast((one) => !isKnown(before?.history, one)) ?? (before?.last === undefined ? seen.at(-1) : undefined);
  const history = bounded(seen.reduce(withSighting, before?.history ?? []));
  const { message: _, ...kept } = before ?? {};
  const text = message ?? before?.message ?? "";
  return {
    ...kept,
    ...(digest !== undefined && { digest }),
    ...(newest !== undefined && { last: { nodeName: newest.nodeName, imageId: newest.imageId } }),
    ...(newest?.sizeBytes !== undefined && { sizeBytes: newest.sizeBytes }),
    ...(history.length > 0 && { history }),
    ...(text !== "" && { message: text.slice(0, messageCharactersMax) }),
  };
}

/** Under its newest id. */
const isKnown = (history: History | undefined, { imageId, nodeName }: Sighting): boolean =>
  history?.at(-1)?.imageId === imageId && history.at(-1)?.nodeNames.includes(nodeName) === true;

/** Enough for some nodes' errors; kubectl shows it in a column. */
const messageCharactersMax = 1_000;

/** The id comes last, for it is the newest that was seen. */
function withSighting(history: History, { nodeName, imageId }: Sighting): History {
  const there = history.find((one) => one.imageId === imageId);
  if (there?.nodeNames.includes(nodeName) === true && history.at(-1) === there) return history;
  const nodeNames = [...new Set([...(there?.nodeNames ?? []), nodeName])];
  return [...history.filter((one) => one !== there), { imageId, nodeNames }];
}

/** The newest ids, with the bound on their nodes held over all of them: an object must stay below its size. */
function bounded(history: History): History {
  const kept: History[number][] = [];
  let left = imageNodesMax;
  for (const one of history.toReversed().slice(0, imageIdsMax)) {
    const nodeNames = one.nodeNames.slice(-left);
    if (left > 0 && nodeNames.length > 0) kept.unshift(nodeNames.length === one.nodeNames.length ? one : { ...one, nodeNames });
    left -= nodeNames.length;
  }
  return kept;
}

function without(history: History, gone: readonly Gone[]): History {
  const names = new Map<string, Set<string>>();
  for (const { imageId, nodeNames } of gone) {
    const known = names.get(imageId) ?? new Set();
    for (const name of nodeNames) known.add(name);
    names.set(imageId, known);
  }
  return history
    .map(({ imageId, nodeNames }) => ({ imageId, nodeNames: nodeNames.filter((name) => names.get(imageId)?.has(name) !== true) }))
    .filter(({ nodeNames }) => nodeNames.length > 0);
}

/** The one that was last, while it is there. */
function lastOf(history: History, before: ImageStatus["last"]): NonNullable<ImageStatus["last"]> {
  const stays = history.some(({ imageId, nodeNames }) => imageId === before?.imageId && nodeNames.includes(before.nodeName));
  const newest = history.at(-1);
  if (before !== undefined && stays) return before;
  return { nodeName: newest?.nodeNames.at(-1) ?? "", imageId: newest?.imageId ?? "" };
}
