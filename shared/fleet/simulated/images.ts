/** EngineImages of a simulated engine. */
import type { EngineImages, RemovedImage } from "../engine/images.ts";
import { EngineError, NoSuchImageError } from "../engine-errors.ts";
import type { Faults } from "./faults.ts";
import { matchesLabels } from "./filters.ts";
import { type SimulatedImage, type World, withTag } from "./world.ts";

export function simulatedImages(world: World, faults: Faults): EngineImages {
  return {
    list: ({ filters = {} } = {}, call = {}) =>
      faults.pass("image list", call, () =>
        [...world.images.values()]
          .filter(({ labels, tags }) => {
            const { label = [], reference } = filters;
            const named =
              reference === undefined ||
              reference.some((one) => [...tags].some((tag) => tag === one || tag.startsWith(`${one}:`)));
            return named && matchesLabels(labels, label);
          })
          .map((image) => ({ ...commonOf(image), Created: Math.floor(image.createdMs / 1_000), Labels: image.labels })),
      ),
    inspect: (reference, call = {}) =>
      faults.pass("image inspect", call, () => {
        const image = world.image(checked(reference));
        return { ...commonOf(image), Architecture: "amd64", Os: "linux", Config: { Cmd: image.command, Labels: image.labels } };
      }),
    history: (reference, call = {}) =>
      faults.pass("image history", call, () => {
        const { id, history, tags, size, createdMs } = world.image(checked(reference));
        return history.map((CreatedBy, index) => ({
          Id: index === 0 ? id : "<missing>",
          Created: Math.floor(createdMs / 1_000),
          CreatedBy,
          Size: index === 0 ? size : 0,
          Tags: index === 0 && tags.size > 0 ? [...tags] : null,
          Comment: "",
        }));
      }),
    tag: (reference, { repo, tag = "latest" }, call = {}) =>
      faults.pass("image tag", call, () => {
        const image = world.image(checked(reference));
        image.tags.add(`${repo}:${tag}`);
        world.addImage(image);
      }),
    remove: (reference, { force = false } = {}, call = {}) =>
      faults.pass("image remove", call, () => remove(world, checked(reference), force)),
  };
}

function remove(world: World, reference: string, force: boolean): readonly RemovedImage[] {
  const image = world.image(reference);
  const tag = withTag(reference);
  const isById = !image.tags.has(tag);
  const user = [...world.containers.values()].find(({ imageId }) => imageId === image.id);
  const isLast = isById || image.tags.size === 1;
  if (isLast && user !== undefined && (user.isRunning || !force)) {
    const why = `container ${user.id.slice(0, 12)} is using its referenced image ${image.id.slice(7, 19)}`;
    throw new EngineError(409, `conflict: unable to remove repository reference "${reference}" (must force) - ${why}`);
  }
  const untagged = isById ? [...image.tags] : [tag];
  for (const one of untagged) image.tags.delete(one);
  if (image.tags.size === 0) world.images.delete(image.id);
  const deleted = image.tags.size === 0 ? [{ Deleted: image.id }] : [];
  return [...untagged.map((Untagged) => ({ Untagged })), ...deleted];
}

const commonOf = ({ id, tags, digests, size }: SimulatedImage) => ({
  Id: id,
  RepoTags: tags.size > 0 ? [...tags] : null,
  RepoDigests: [...digests],
  Size: size,
  VirtualSize: size,
});

/** @throws EngineError 400, as engines do. */
function checked(reference: string): string {
  if (/^[\w][\w.:/@-]*$/.test(reference) && !reference.includes("..")) return reference;
  throw reference === "" ? new NoSuchImageError(404, "No such image: ") : new EngineError(400, "invalid reference format");
}
