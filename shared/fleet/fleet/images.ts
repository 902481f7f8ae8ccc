/**
 * The images of a fleet. Which node has which is kept in Image objects; an image that no object tells of is looked for on the nodes. What
 * moves or removes images is done on many nodes at once and says of each what came of it.
 */
import type { Readable } from "node:stream";
import type { Image } from "../../kinds/image.ts";
import type { Node } from "../../kinds/node.ts";
import type { ByteSource, Call, StreamCall } from "../engine/call.ts";
import type { ImageDetails, ImageLayer, ImageSummary } from "../engine/images.ts";
import type { ImportUrl } from "../engine/transfers.ts";
import type { Engine } from "../engine.ts";
import { InvalidOptionError, type NodeError, noSuchImage } from "./errors.ts";
import { onAllNodes, onFirstNode, onNode } from "./fan-out.ts";
import type { Footing, Ground, Tools } from "./ground.ts";
import { ImageLedger } from "./image-ledger.ts";
import { isImageId, parseReference } from "./image-reference.ts";
import { nodesNamed } from "./node-choice.ts";
import { type Pulled, type PullHow, pullOnAll } from "./pull.ts";
import { type Removal, type RemoveHow, removeEverywhere } from "./remove-image.ts";
import {
  type BuildHow,
  buildOn,
  type ImportHow,
  importOn,
  type LoadHow,
  loadOn,
  type Made,
  type PushHow,
  pushFrom,
} from "./transfers.ts";

/** References that one tar takes. */
const savedMax = 100;

export class Images {
  readonly #footing: Footing;
  readonly #tools: Tools;

  constructor(footing: Footing, tools: Tools) {
    this.#footing = footing;
    this.#tools = tools;
  }

  /** Brings it to `nodes`, by name or address, or to all enabled ones. @throws NodesFailedError: it says which could not, and which could. */
  async pull(
    reference: string,
    { nodes, ...how }: PullHow & { readonly nodes?: readonly string[] } = {},
  ): Promise<readonly Pulled[]> {
    const { ground } = this.#footing;
    return await pullOnAll({ ground, tools: this.#tools }, await nodesNamed(ground, nodes), reference, how);
  }

  /** To its registry, from a node that has it. The digest, where the registry told it. @throws NoSuchImageError, NodeError */
  async push(reference: string, how: PushHow = {}): Promise<{ readonly digest?: string }> {
    const { ground } = this.#footing;
    const { node } = await this.#where(ground, reference, how);
    return await pushFrom({ ground, tools: this.#tools }, node, reference, how);
  }

  /** A further name for it, on the node where it was last. @throws NoSuchImageError, NodeError */
  async tag(reference: string, name: { readonly repo: string; readonly tag?: string }, call: Call = {}): Promise<void> {
    const { ground } = this.#footing;
    const { repo, tag } = name;
    const image = parseReference(tag === undefined ? repo : `${repo}:${tag}`, "repo");
    const { node, value } = await this.#where(ground, reference, call);
    await this.#ask(ground, "tag", node, (engine) => engine.images.tag(reference, name, call));
    const seen = [{ nodeName: node.metadata.name, imageId: value.Id, sizeBytes: value.Size }];
    await new ImageLedger(ground.store).note(image, { seen });
  }

  /** From every node, its former ids too. @throws NoSuchImageError; NodesFailedError: a node refused. */
  async remove(reference: string, how: RemoveHow = {}): Promise<Removal> {
    const { ground } = this.#footing;
    return await removeEverywhere(ground, await ground.nodes.unfilteredNodes(), reference, how);
  }

  /** The newest layer first. @throws NoSuchImageError, NodeError */
  async history(reference: string, call: Call = {}): Promise<readonly ImageLayer[]> {
    const { ground } = this.#footing;
    const { node } = await this.#where(ground, reference, call);
    return await this.#ask(ground, "image history", node, (engine) => engine.images.history(reference, call));
  }

  /** As the node shows it where it was last. @throws NoSuchImageError, NodeError */
  async inspect(reference: string, call: Call = {}): Promise<{ readonly node: Node; readonly details: ImageDetails }> {
    const { node, value: details } = await this.#where(this.#footing.ground, reference, call);
    return { node, details };
  }

  /** Of its last pull or push; undefined: neither told one. @throws NoSuchImageError */
  async digest(reference: string): Promise<string | undefined> {
    return (await new ImageLedger(this.#footing.ground.store).get(parseReference(reference))).status.digest;
  }

  /** The Images: which nodes have what. */
  all(): Promise<readonly Image[]> {
    return new ImageLedger(this.#footing.ground.store).all();
  }

  /** As the engines of all nodes show them now, disabled ones too; `errors`: the nodes that did not. */
  async list(
    options: Parameters<Engine["images"]["list"]>[0] = {},
    call: Call = {},
  ): Promise<{
    readonly rows: readonly { readonly node: Node; readonly row: ImageSummary }[];
    readonly errors: readonly NodeError[];
  }> {
    const { engines, nodes } = this.#footing.ground;
    const asked = { command: "image list", nodes: await nodes.unfilteredNodes(), engines, ...call };
    const { values, errors } = await onAllNodes({ ...asked, call: (engine, each) => engine.images.list(options, each) });
    return { rows: values.flatMap(({ node, value }) => value.map((row) => ({ node, row }))), errors };
  }

  /** Makes an image of a file system's tar, given or at a URL that the node reaches, on one node. @throws NodeError, NoNodesError */
  import(from: ByteSource | ImportUrl, how: ImportHow): Promise<Made> {
    return importOn({ ground: this.#footing.ground, tools: this.#tools }, from, how);
  }

  /** Builds an image on one node; `context` is a tar with the Dockerfile. @throws NodeError, NoNodesError */
  build(context: ByteSource, how: BuildHow = {}): Promise<Made> {
    return buildOn({ ground: this.#footing.ground, tools: this.#tools }, context, how);
  }

  /** What `save` gave, brought to `nodes` or to all enabled ones. @throws NodesFailedError */
  load(tar: ByteSource, how: LoadHow = {}): Promise<readonly Made[]> {
    return loadOn({ ground: this.#footing.ground, tools: this.#tools }, tar, how);
  }

  /** One tar of all of them, from a node that has them all. @throws NoSuchImageError, NodeError */
  async save(references: readonly string[], call: StreamCall = {}): Promise<Readable> {
    const { ground } = this.#footing;
    if (references.length === 0 || references.length > savedMax)
      throw new InvalidOptionError("references", `are ${references.length}; 1 to ${savedMax}`);
    const has = (engine: Engine, each: Call) => Promise.all(references.map((one) => engine.images.inspect(one, each)));
    const { engines, nodes } = ground;
    const found = await onFirstNode({
      command: "save",
      nodes: await nodes.unfilteredNodes(),
      engines,
      call: has,
      signal: call.signal,
    });
    if (found === undefined) throw noSuchImage(references.join(" "));
    return await this.#ask(ground, "save", found.node, (engine) => engine.transfers.save(references, call));
  }

  /** A node that has it: the last one that its Image names, else the first that answers. */
  async #where(
    { store, engines, nodes }: Ground,
    reference: string,
    { signal }: { readonly signal?: AbortSignal },
  ): Promise<{ readonly node: Node; readonly value: ImageDetails }> {
    const registered = await nodes.unfilteredNodes();
    const image = isImageId(reference) ? undefined : await new ImageLedger(store).find(parseReference(reference));
    const last = registered.find(({ metadata }) => metadata.name === image?.status?.last?.nodeName);
    const asked = {
      command: "inspect image",
      engines,
      call: (engine: Engine, call: Call) => engine.images.inspect(reference, call),
    };
    const there = last && (await onFirstNode({ ...asked, nodes: [last], signal }).catch(() => undefined));
    const found = there ?? (await onFirstNode({ ...asked, nodes: registered, signal }));
    if (found === undefined) throw noSuchImage(reference);
    return found;
  }

  #ask<T>({ engines }: Ground, command: string, node: Node, call: (engine: Engine) => Promise<T>): Promise<T> {
    return onNode({ command, engines, call, timeoutMs: 0 }, node);
  }
}
