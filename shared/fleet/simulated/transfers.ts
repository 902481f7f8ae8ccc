/** ImageTransfers of a simulated engine: real tars, real progress rows, a registry in memory. */
import { Readable } from "node:stream";
import type { StreamCall } from "../engine/call.ts";
import type { ImageTransfers, ProgressRow } from "../engine/transfers.ts";
import { EngineError, TransferFailedError } from "../engine-errors.ts";
import { type Step, stepsOf } from "./dockerfile.ts";
import type { SimulatedFile } from "./file-system.ts";
import type { SimulatedRegistry } from "./registry.ts";
import { Feed } from "./rows.ts";
import { gather, hold, type Place, unpacked } from "./streams.ts";
import { packTar, unpackTar } from "./tar.ts";
import { type SimulatedImage, type World, withTag } from "./world.ts";

export function simulatedTransfers(place: Place, registries: readonly SimulatedRegistry[]): ImageTransfers {
  const { world, faults, address } = place;
  const rows = (what: string, call: StreamCall, all: readonly ProgressRow[], error?: unknown): Feed<ProgressRow> => {
    const feed = new Feed<ProgressRow>({ clock: world.clock, faults, address, what, call });
    for (const row of all) feed.push(row);
    feed.end(error);
    return feed;
  };
  const registryOf = (reference: string): SimulatedRegistry => {
    const host = reference.split("/", 1)[0] ?? "";
    const found = registries.find((one) => one.host === host);
    if (found === undefined)
      throw new EngineError(500, `Get "http://${host}/v2/": dial tcp ${host}: connect: connection refused`);
    return found;
  };
  return {
    pull: ({ reference, auth }, call = {}) =>
      faults.pass("image pull", call, () => {
        const name = withTag(reference);
        const registry = registryOf(name);
        const image = registry.allows(auth) ? registry.get(name) : undefined;
        if (!registry.allows(auth)) throw new EngineError(404, `pull access denied for ${name}: no basic auth credentials`);
        if (image === undefined) throw new EngineError(404, `manifest for ${name} not found: manifest unknown`);
        const digest = registry.digestOf(image);
        const digests = new Set([...image.digests, `${repoOf(name)}@${digest}`]);
        world.addImage({ ...image, tags: new Set([name]), digests });
        const layer = image.id.slice(7, 19);
        return rows("image pull", call, [
          { status: `Pulling from ${repoOf(name)}`, id: name.slice(repoOf(name).length + 1) },
          { status: "Downloading", id: layer, progressDetail: { current: image.size, total: image.size } },
          { status: "Pull complete", id: layer, progressDetail: {} },
          { status: `Digest: ${digest}` },
          { status: `Status: Downloaded newer image for ${name}` },
        ]);
      }),
    push: ({ reference, auth }, call = {}) =>
      faults.pass("image push", call, () => {
        const name = withTag(reference);
        const image = world.image(name);
        const registry = registryOf(name);
        if (!registry.allows(auth)) return rows("image push", call, [], new TransferFailedError("no basic auth credentials"));
        registry.put(name, image);
        const digest = registry.digestOf(image);
        image.digests.add(`${repoOf(name)}@${digest}`);
        const status = `${name.slice(repoOf(name).length + 1)}: digest: ${digest} size: ${image.size}`;
        return rows("image push", call, [{ status: `The push refers to repository [${repoOf(name)}]` }, { status }]);
      }),
    build: ({ query }, context, call = {}) =>
      faults.pass("image build", call, async () => {
        const files = unpackTar(await gather(context));
        const text = files.find(({ name }) => name === (query["dockerfile"] ?? "Dockerfile"))?.bytes;
        if (text === undefined) throw new EngineError(500, "Cannot locate specified Dockerfile: Dockerfile");
        return build(Buffer.from(text).toString(), String(query["t"] ?? ""), call);
      }),
    import: ({ repo, tag = "latest", changes = [] }, from, call = {}) =>
      faults.pass("image import", call, async () => {
        if ("url" in from) throw new EngineError(500, `Get "${from.url}": dial tcp: lookup: no such host`);
        const bytes = await gather(from);
        const files = unpacked(() => filesOf(bytes));
        const image = make(world, {
          tags: [`${repo}:${tag}`],
          files,
          history: ["import"],
          ...configOf(stepsOf(changes.join("\n"))),
        });
        return rows("image import", call, [{ status: image.id }]);
      }),
    load: (tar, call = {}) =>
      faults.pass("image load", call, async () => {
        const bytes = await gather(tar);
        const entries = unpacked(() => unpackTar(bytes));
        const loaded = entries.filter(({ name }) => name.endsWith("/image.json")).map(({ bytes: text }) => revive(text));
        for (const image of loaded) world.addImage(image);
        const names = loaded.flatMap(({ tags }) => [...tags]);
        return rows(
          "image load",
          call,
          names.map((name) => ({ stream: `Loaded image: ${name}\n` })),
        );
      }),
    save: (references, call = {}) =>
      faults.pass("image save", call, () => {
        const images = references.map((reference) => ({ ...world.image(reference), tags: [withTag(reference)] }));
        const tar = packTar(
          images.map((image) => ({ name: `${image.id.slice(7, 60)}/image.json`, type: "file", bytes: textOf(image) })),
        );
        return hold(Readable.from([tar], { objectMode: false }), { faults, address, call });
      }),
  };

  function build(text: string, name: string, call: StreamCall): Feed<ProgressRow> {
    const steps = stepsOf(text);
    const said: ProgressRow[] = [];
    for (const [index, { verb, words, line }] of steps.entries()) {
      said.push({ stream: `Step ${index + 1}/${steps.length} : ${line}\n` });
      const code = verb === "RUN" ? Number(/^exit (\d+)$/.exec(words)?.[1] ?? 0) : 0;
      if (code !== 0) {
        const why = `The command '/bin/sh -c ${words}' returned a non-zero code: ${code}`;
        return rows("image build", call, said, new TransferFailedError(why));
      }
    }
    const base = world.image(steps.find(({ verb }) => verb === "FROM")?.words ?? "");
    const history = [...steps.map(({ line }) => line).reverse(), ...base.history];
    const tags = name === "" ? [] : [withTag(name)];
    const image = make(world, { command: base.command, ...configOf(steps), tags, files: base.files, history });
    const ends = [`Successfully built ${image.id.slice(7, 19)}\n`, ...tags.map((tag) => `Successfully tagged ${tag}\n`)];
    return rows("image build", call, [...said, ...ends.map((stream) => ({ stream }))]);
  }
}

type Made = Partial<Pick<SimulatedImage, "command" | "labels">> &
  Pick<SimulatedImage, "files" | "history"> & { readonly tags: readonly string[] };

export function make(world: World, { tags, files, history, command = ["sh"], labels = {} }: Made): SimulatedImage {
  const size = [...files.values()].reduce((sum, { bytes }) => sum + bytes.length, 1_000_000);
  const id = `sha256:${world.newId(64)}`;
  const image: SimulatedImage = {
    id,
    tags: new Set(tags),
    digests: new Set(),
    createdMs: world.clock.now(),
    size,
    command,
    labels,
    files,
    history,
  };
  world.addImage(image);
  return image;
}

function configOf(steps: readonly Step[]): Partial<Pick<SimulatedImage, "command" | "labels">> {
  const command = steps.findLast(({ verb }) => verb === "CMD")?.words;
  const labels = steps.filter(({ verb }) => verb === "LABEL").map(({ words }) => words.split("=", 2));
  return {
    ...(command !== undefined && { command: JSON.parse(command) as string[] }),
    labels: Object.fromEntries(labels.map(([key = "", value = ""]) => [key, value])),
  };
}

function filesOf(tar: Uint8Array): ReadonlyMap<string, SimulatedFile> {
  const files = unpackTar(tar).filter(({ type }) => type === "file");
  return new Map(files.map(({ name, bytes, mode }) => [`/${name}`, { bytes: bytes ?? new Uint8Array(), mode: mode ?? 0o644 }]));
}

const repoOf = (name: string): string => name.slice(0, name.lastIndexOf(":"));

/** Files travel by content, the rest as JSON. */
function textOf(image: Omit<SimulatedImage, "tags"> & { readonly tags: readonly string[] }): Uint8Array {
  const files = [...image.files].map(([path, { bytes, mode }]) => [path, Buffer.from(bytes).toString("base64"), mode]);
  return Buffer.from(JSON.stringify({ ...image, digests: [...image.digests], files }));
}

function revive(text: Uint8Array | undefined): SimulatedImage {
  type Saved = Omit<SimulatedImage, "tags" | "digests" | "files"> & {
    readonly tags: readonly string[];
    readonly digests: readonly string[];
    readonly files: readonly (readonly [string, string, number])[];
  };
  const saved = JSON.parse(Buffer.from(text ?? []).toString()) as Saved;
  const files = new Map(saved.files.map(([path, bytes, mode]) => [path, { bytes: Buffer.from(bytes, "base64"), mode }]));
  return { ...saved, tags: new Set(saved.tags), digests: new Set(saved.digests), files };
}
