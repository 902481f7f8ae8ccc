/** EngineImages on dockerode. */
import type { EngineImages } from "../engine/images.ts";
import * as answers from "./answers.ts";
import { type Caller, referencePart } from "./caller.ts";
import { given } from "./modem.ts";

export function dockerImages(caller: Caller): EngineImages {
  return {
    list: ({ all, filters } = {}, call) =>
      caller.json("image list", answers.imageSummaries, (docker) => docker.listImages(given({ all, filters })), call),
    inspect: async (reference, call) => {
      const part = referencePart(reference);
      return caller.json("image inspect", answers.imageDetails, (docker) => docker.getImage(part).inspect(given()), call);
    },
    history: async (reference, call) => {
      const part = referencePart(reference);
      return caller.json("image history", answers.imageLayers, (docker) => docker.getImage(part).history(), call);
    },
    tag: async (reference, { repo, tag }, call) => {
      const part = referencePart(reference);
      await caller.nothing((docker) => docker.getImage(part).tag({ repo, ...given({ repo, tag }) }), call);
    },
    remove: async (reference, { force, noPrune: noprune } = {}, call) => {
      const part = referencePart(reference);
      const ask = given({ force, noprune });
      return caller.json("image remove", answers.removedImages, (docker) => docker.getImage(part).remove({ ...ask }), call);
    },
  };
}
