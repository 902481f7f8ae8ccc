/**
 * Images pushed from a node, and made on nodes: imported, built, loaded. Rows of progress go to the caller as they come, and what was made
 * is then looked up on the node and kept in its Image. Credentials are for the length of the call.
 */
import type { Node } from "../../kinds/node.ts";
import type { ByteSource, Rows, StreamCall } from "../engine/call.ts";
import type { BuildOptions, ImportUrl, ProgressRow, RegistryAuth } from "../engine/transfers.ts";
import type { Engine } from "../engine.ts";
import { InvalidOptionError, NodesFailedError } from "./errors.ts";
import { onAllNodes, onNode } from "./fan-out.ts";
import { ImageLedger, type Sighting } from "./image-ledger.ts";
import { type ImageReference, isImageId, parseReference } from "./image-reference.ts";
import { anyNode, nodesNamed } from "./node-choice.ts";
import { authFor, digestOf, type Puller, type PullHow } from "./pull.ts";
import { type TeeReader, tee } from "./tee.ts";

type How = Pick<PullHow, "onRow" | "inactivityMs" | "signal">;
export type PushHow = How & Pick<PullHow, "auth" | "pullSecretRef">;
/** `nodes`: names or addresses, one of which makes it; absent: any that is enabled. */
type MakeHow = How & { readonly nodes?: readonly string[] };
export type ImportHow = MakeHow & {
  readonly repo: string;
  readonly tag?: string;
  readonly message?: string;
  /** Lines of a Dockerfile that are applied. */
  readonly changes?: readonly string[];
};
export type BuildHow = MakeHow & {
  /** Docker's query: t, dockerfile, buildargs, … */
  readonly query?: BuildOptions["query"];
  readonly auths?: Readonly<Record<string, RegistryAuth>>;
};
export type LoadHow = MakeHow;

/** What was made on a node: an id for each name that was given; none where nothing was named. */
export type Made = {
  readonly nodeName: string;
  readonly images: readonly { readonly reference: string; readonly imageId: string }[];
};

/** Of one node, before it is kept. */
type Found = {
  readonly nodeName: string;
  readonly images: readonly { readonly image: ImageReference; readonly sighting: Sighting }[];
};

/** A build's step, and a registry that takes a layer, may say nothing for so long. */
const silentMs = 600_000;
/** A node that takes none of a tar's bytes for so long is given up, so that the others go on. */
const stallMs = 60_000;
/** Names that one load or build may give. */
const namesMax = 1_000;

export async function pushFrom(puller: Puller, node: Node, given: string, how: PushHow): Promise<{ readonly digest?: string }> {
  const image = parseReference(given);
  const auth = await authFor(puller, image, how);
  let digest: string | undefined;
  const push = async (engine: Engine): Promise<void> => {
    const rows = await engine.transfers.push({ reference: image.text, ...(auth && { auth }) }, callOf(how));
    await eachRow(rows, node, how, (row) => {
      digest = digestOf(row) ?? digest;
    });
  };
  await ask(puller, "push", node, push, how);
  if (digest !== undefined) await new ImageLedger(puller.ground.store).note(image, { digest, message: "" });
  return digest === undefined ? {} : { digest };
}

/** @throws InvalidOptionError when the URL is none that an engine gets. */
export async function importOn(puller: Puller, from: ByteSource | ImportUrl, how: ImportHow): Promise<Made> {
  const { repo, tag, message, changes } = how;
  if ("url" in from && !/^https?:\/\/[^\s]+$/.test(from.url)) throw new InvalidOptionError("url", "must be http:// or https://…");
  const image = parseReference(tag === undefined ? repo : `${repo}:${tag}`, "repo");
  if (image.digest !== undefined) throw new InvalidOptionError("repo", "has a digest, which nothing can be given");
  const node = await anyNode(puller.ground, puller.tools.ids, how.nodes);
  // Engines take a tag within `repo` only where there is none beside it.
  const options = {
    repo: image.repository,
    tag: image.tag ?? "latest",
    ...(message !== undefined && { message }),
    ...(changes && { changes }),
  };
  const run = async (engine: Engine) => {
    await eachRow(await engine.transfers.import(options, from, callOf(how)), node, how);
    return await lookUp({ engine, node, images: [image] }, how);
  };
  return await keepOne(puller, await ask(puller, "import", node, run, how));
}

export async function buildOn(puller: Puller, context: ByteSource, how: BuildHow): Promise<Made> {
  const { query = {}, auths } = how;
  const names = [query["t"] ?? []].flat().filter((name) => name !== "");
  const images = names.slice(0, namesMax).map((name) => parseReference(name, "query.t"));
  const node = await anyNode(puller.ground, puller.tools.ids, how.nodes);
  const run = async (engine: Engine) => {
    await eachRow(await engine.transfers.build({ query, ...(auths && { auths }) }, context, callOf(how)), node, how);
    return await lookUp({ engine, node, images }, how);
  };
  return await keepOne(puller, await ask(puller, "build", node, run, how));
}

/** @throws NodesFailedError when one failed, after all have ended. */
export async function loadOn(puller: Puller, tar: ByteSource, how: LoadHow): Promise<readonly Made[]> {
  const { ground, tools } = puller;
  const nodes = await nodesNamed(ground, how.nodes);
  const branches = tee({ source: tar, readers: nodes.length, clock: tools.clock, stallMs });
  const branchOf = (node: Node) => branches[nodes.indexOf(node)] as TeeReader;
  const load = async (engine: Engine, _call: unknown, node: Node): Promise<Found> => {
    const branch = branchOf(node);
    const call = callOf(how);
    const signal = call.signal === undefined ? branch.signal : AbortSignal.any([call.signal, branch.signal]);
    const images: ImageReference[] = [];
    try {
      await eachRow(await engine.transfers.load(branch, { ...call, signal }), node, how, (row) => images.push(...loadedBy(row)));
      return await lookUp({ engine, node, images: images.slice(0, namesMax) }, how);
    } finally {
      // One that failed before it read to the end is not waited for.
      await leave(branch);
    }
  };
  // Nor is one that has no engine: it never begins to read.
  for (const node of nodes) ground.engines.of(node).catch(() => leave(branchOf(node)));
  const { values, errors } = await onAllNodes({
    command: "load",
    nodes,
    engines: ground.engines,
    call: load,
    timeoutMs: 0,
    // One that waits for its turn would hold up those that are fed with it.
    atOnce: nodes.length,
    signal: how.signal,
  });
  const made = await keep(
    puller,
    values.map(({ value }) => value),
  );
  if (errors.length > 0)
    throw new NodesFailedError(
      "load",
      errors,
      made.map(({ nodeName }) => nodeName),
    );
  return made;
}

const leave = async (branch: TeeReader): Promise<unknown> => branch[Symbol.asyncIterator]().return?.();

type Look = { readonly engine: Engine; readonly node: Node; readonly images: readonly ImageReference[] };

/** What was made, as its node shows it. */
async function lookUp({ engine, node, images }: Look, { signal }: How): Promise<Found> {
  const nodeName = node.metadata.name;
  const distinct = [...new Map(images.map((image) => [image.text, image])).values()];
  const found: Found["images"][number][] = [];
  for (const image of distinct) {
    const { Id: imageId, Size: sizeBytes } = await engine.images.inspect(image.text, signal && { signal });
    found.push({ image, sighting: { nodeName, imageId, sizeBytes } });
  }
  return { nodeName, images: found };
}

/** Keeps what was found in the Images, a commit an image. */
async function keep({ ground }: Puller, found: readonly Found[]): Promise<readonly Made[]> {
  const ledger = new ImageLedger(ground.store);
  const byName = new Map<string, { readonly image: ImageReference; readonly seen: Sighting[] }>();
  for (const { image, sighting } of found.flatMap(({ images }) => images)) {
    const there = byName.get(image.text);
    if (there === undefined) byName.set(image.text, { image, seen: [sighting] });
    else there.seen.push(sighting);
  }
  for (const { image, seen } of byName.values()) await ledger.note(image, { seen, message: "" });
  return found.map(({ nodeName, images }) => ({
    nodeName,
    images: images.map(({ image, sighting }) => ({ reference: image.text, imageId: sighting.imageId })),
  }));
}

async function keepOne(puller: Puller, found: Found): Promise<Made> {
  const [made] = await keep(puller, [found]);
  return made ?? { nodeName: found.nodeName, images: [] };
}

async function eachRow(rows: Rows<ProgressRow>, node: Node, { onRow }: How, see?: (row: ProgressRow) => void): Promise<void> {
  for await (const row of rows) {
    see?.(row);
    await onRow?.(node.metadata.name, row);
  }
}

/** Of `Loaded image: name`; an image that was saved by its id has no name. */
function loadedBy({ stream }: ProgressRow): readonly ImageReference[] {
  const name = /^Loaded image: (\S+)\s*$/.exec(stream ?? "")?.[1];
  return name === undefined || isImageId(name) ? [] : [parseReference(name)];
}

/** Until it begins it is as silent as in the middle: the bytes that it is sent take their time. */
const callOf = ({ inactivityMs: idleMs = silentMs, signal }: How): StreamCall => ({
  idleMs,
  timeoutMs: idleMs,
  ...(signal && { signal }),
});

const ask = <T>(
  { ground }: Puller,
  command: string,
  node: Node,
  call: (engine: Engine) => Promise<T>,
  { signal }: How,
): Promise<T> => onNode({ command, engines: ground.engines, call, timeoutMs: 0 }, node, signal);
