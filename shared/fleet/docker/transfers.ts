/** ImageTransfers on dockerode. */
import { Readable } from "node:stream";
import type { ByteSource } from "../engine/call.ts";
import type { ImageTransfers } from "../engine/transfers.ts";
import * as answers from "./answers.ts";
import { type Caller, referencePart } from "./caller.ts";
import { Incoming } from "./incoming.ts";
import { given } from "./modem.ts";
import { splitReference } from "./reference.ts";

export function dockerTransfers(caller: Caller): ImageTransfers {
  return {
    pull: ({ reference, platform, auth }, call) => {
      const { repo, tag = "latest" } = splitReference(reference);
      const query = given({ fromImage: repo, tag, platform });
      return caller.progress("image pull", answers.anything, (docker) => docker.createImage(auth ?? {}, query), call);
    },
    push: async ({ reference, auth = {} }, call) => {
      const { repo, tag } = splitReference(reference);
      const part = referencePart(repo);
      // Engines refuse a push without the header, so there is always one.
      const ask = given({ tag });
      return caller.progress(
        "image push",
        answers.anything,
        (docker) => docker.getImage(part).push({ ...ask }, undefined, auth),
        call,
      );
    },
    build: ({ query, auths }, context, call) =>
      caller.progress(
        "image build",
        answers.anything,
        (docker) => docker.buildImage(streamOf(context), given(query, undefined, auths)),
        call,
      ),
    import: ({ repo, tag, message, changes }, from, call) =>
      caller.progress(
        "image import",
        answers.anything,
        (docker) => {
          const query = { repo, tag, message, changes };
          if ("url" in from) return docker.createImage({}, given({ ...query, fromSrc: from.url }));
          return docker.importImage(streamOf(from), given({ ...query, fromSrc: "-" }));
        },
        call,
      ),
    load: (tar, call) =>
      caller.progress("image load", answers.anything, (docker) => docker.loadImage(streamOf(tar), given()), call),
    // dockerode's typings do not know of several images at once.
    save: async (references, call = {}) => {
      const names = references.map(referencePart);
      const answer = await caller.answer({ method: "GET", path: "/images/get", query: { names } }, call);
      return new Incoming(caller.wire, "image save", answer, call);
    },
  };
}

const streamOf = (source: ByteSource): Readable => Readable.from(source, { objectMode: false });
