/**
 * Pulls: an image brought to one node, or to many in parallel with every row named by its node. What each node then has is kept in the
 * Image. Credentials are the caller's or a secret's by its name, for the length of the pull; nothing of them is kept.
 */
import type { Node } from "../../kinds/node.ts";
import type { StreamCall } from "../engine/call.ts";
import type { ProgressRow, RegistryAuth } from "../engine/transfers.ts";
import type { Engine } from "../engine.ts";
import { registryAuthOf } from "../secrets/forms.ts";
import { isNotFound, NodeError, NodesFailedError } from "./errors.ts";
import { onAllNodes, onNode } from "./fan-out.ts";
import type { Ground, Tools } from "./ground.ts";
import { ImageLedger, type Sighting } from "./image-ledger.ts";
import { type ImageReference, parseReference } from "./image-reference.ts";

export type PullMode = "always" | "missing" | "never";

/** How a pull is made. */
export type PullHow = {
  readonly platform?: string;
  /** For this call only. It wins over the secrets. */
  readonly auth?: RegistryAuth;
  /** Absent: the one that the Image names, else none. */
  readonly pullSecretRef?: { readonly name: string };
  /** Milliseconds that it may be silent. */
  readonly inactivityMs?: number;
  /** Awaited: a reader who is slow slows the pull down. */
  readonly onRow?: (nodeName: string, row: ProgressRow) => void | Promise<void>;
  readonly signal?: AbortSignal;
};

export type Puller = { readonly ground: Ground; readonly tools: Tools };
export type Pulled = { readonly nodeName: string; readonly imageId: string };

/** The source gives a request five minutes; a registry that unpacks a large layer says nothing for so long. */
const silentMs = 600_000;
/** Nodes that are done are committed together, this often: a pull on 1,000 nodes is some commits, not 1,000. */
const noteMs = 2_000;

/** On one node, as its mode says. @throws NodeError, and what resolving a secret does. */
export async function pullFor(
  { ground, tools, node, reference, mode }: Puller & { readonly node: Node; readonly reference: string; readonly mode: PullMode },
  how: PullHow,
): Promise<void> {
  if (mode === "never" || isIdOnly(reference)) return;
  const image = parseReference(reference, "body.Image");
  if (mode === "missing" && (await hasImage(ground, node, image.text, how.signal))) return;
  const auth = await authFor({ ground, tools }, image, how);
  const done = await pullOn({ ground, tools }, node, { image, how, auth });
  await new ImageLedger(ground.store).note(image, { seen: [done], digest: done.digest, message: "" });
}

/** On all of `nodes` in parallel. @throws NodesFailedError when one failed, after all have ended. */
export async function pullOnAll(puller: Puller, nodes: readonly Node[], given: string, how: PullHow): Promise<readonly Pulled[]> {
  const { ground, tools } = puller;
  const image = parseReference(given);
  const auth = await authFor(puller, image, how);
  const ledger = new ImageLedger(ground.store);
  const pullSecretName = how.pullSecretRef?.name;
  const note = (seen: readonly Found[]) => ledger.note(image, { seen, digest: seen.at(-1)?.digest, pullSecretName });
  const done = new Batch(tools, note);
  const call = async (_engine: Engine, _call: unknown, node: Node) => {
    const found = await pullOn(puller, node, { image, how, auth });
    await done.add(found);
    return { nodeName: found.nodeName, imageId: found.imageId };
  };
  const asked = { command: "pull", nodes, engines: ground.engines, timeoutMs: 0, signal: how.signal };
  const { values, errors } = await onAllNodes({ ...asked, call });
  await done.flush();
  const pulled = values.map(({ value }) => value);
  const names = pulled.map(({ nodeName }) => nodeName);
  const error = errors.length === 0 ? undefined : new NodesFailedError("pull", errors, names);
  await ledger.note(image, { message: error?.message ?? "" });
  if (error !== undefined) throw error;
  return pulled;
}

type Found = Sighting & { readonly digest: string | undefined };
type Sought = { readonly image: ImageReference; readonly how: PullHow; readonly auth: RegistryAuth | undefined };

/** @throws NodeError */
async function pullOn({ ground }: Puller, node: Node, { image, how, auth }: Sought): Promise<Found> {
  const nodeName = node.metadata.name;
  const call: StreamCall = { idleMs: how.inactivityMs ?? silentMs, ...(how.signal && { signal: how.signal }) };
  const asked = { command: "pull", engines: ground.engines, timeoutMs: 0 };
  const pulled = async (engine: Engine) => {
    const options = {
      reference: image.text,
      ...(how.platform !== undefined && { platform: how.platform }),
      ...(auth && { auth }),
    };
    let digest: string | undefined;
    // Until it begins it is as silent as in the middle.
    for await (const row of await engine.transfers.pull(options, { ...call, timeoutMs: call.idleMs ?? silentMs })) {
      digest = digestOf(row) ?? digest;
      await how.onRow?.(nodeName, row);
    }
    const { Id, Size } = await engine.images.inspect(image.text, call);
    return { nodeName, imageId: Id, sizeBytes: Size, digest };
  };
  return await onNode({ ...asked, call: pulled }, node, how.signal);
}

/** Of a row of a pull (`Digest: sha256:…`) or of a push (`latest: digest: sha256:… size: 528`). */
export const digestOf = ({ status }: ProgressRow): string | undefined =>
  /(?:^|\s)digest: (sha256:[0-9a-f]{64})(?:\s|$)/i.exec(status ?? "")?.[1];

/** @throws NoSuchSecretError, SecretUnreadableError */
export async function authFor({ ground, tools }: Puller, image: ImageReference, how: PullHow): Promise<RegistryAuth | undefined> {
  if (how.auth !== undefined) return how.auth;
  const name = how.pullSecretRef?.name ?? (await new ImageLedger(ground.store).find(image))?.spec.pullSecretRef?.name;
  return name === undefined ? undefined : registryAuthOf(name, await tools.secrets.resolve(name), image.registry);
}

async function hasImage({ engines }: Ground, node: Node, reference: string, signal?: AbortSignal): Promise<boolean> {
  const call = (engine: Engine) => engine.images.inspect(reference, signal && { signal });
  try {
    await onNode({ command: "inspect image", engines, call }, node, signal);
    return true;
  } catch (error) {
    if (error instanceof NodeError && isNotFound(error.cause)) return false;
    throw error;
  }
}

/** An image by its id alone is in no registry. */
const isIdOnly = (reference: string): boolean => /^(sha256:)?[0-9a-f]{64}$/.test(reference);

/** Gathers what comes and hands it on together: at the first, then every so often. */
class Batch<Item> {
  readonly #tools: Tools;
  readonly #hand: (items: readonly Item[]) => Promise<void>;
  #items: Item[] = [];
  #handedMs = Number.NEGATIVE_INFINITY;

  constructor(tools: Tools, hand: (items: readonly Item[]) => Promise<void>) {
    this.#tools = tools;
    this.#hand = hand;
  }

  async add(item: Item): Promise<void> {
    this.#items.push(item);
    if (this.#tools.clock.monotonic() - this.#handedMs >= noteMs) await this.flush();
  }

  async flush(): Promise<void> {
    const items = this.#items;
    this.#items = [];
    this.#handedMs = this.#tools.clock.monotonic();
    if (items.length > 0) await this.#hand(items);
  }
}
