/** `docker stats`: the engine's rows as they come, under the name that people gave the container. */
import { pipeline, Transform } from "node:stream";
import { mustStream } from "../buffered.ts";
import type { Call } from "../call.ts";
import { DockerError } from "../errors.ts";
import type { DockerAnswer } from "../exchange.ts";
import { answerOf, forward, segment } from "../forward.ts";
import { flag } from "../query.ts";
import { containerOf } from "./pass.ts";
import { shownName } from "./row.ts";

/** A row of a container with many networks and disks has some KB. */
const rowBytesMax = 1024 * 1024;

export async function containerStats(call: Call): Promise<DockerAnswer> {
  const found = await containerOf(call);
  // Docker's default is a stream.
  if (flag(call.query, "stream", true)) mustStream(call, "a stream of stats", [found.node]);
  const raw = await forward(call, found, { path: `/containers/${segment(found.engineId)}/stats` });
  const { body, headers, ...answer } = answerOf(raw);
  if (raw.status !== 200) return { ...answer, headers, body };
  const { "content-length": _, ...others } = headers;
  return { ...answer, headers: others, body: pipeline(raw.body, renaming(shownName(found.container)), () => undefined) };
}

/** Row by row, each with its name changed; bytes are characters here, so that none is lost between two pieces. */
function renaming(name: string): Transform {
  const shown = `"name":${JSON.stringify(name)}`;
  const change = (row: string): string => row.replace(/"name":"[^"]*"/, () => shown);
  let rest = "";
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      const lines = (rest + chunk.toString("latin1")).split("\n");
      rest = lines.pop() ?? "";
      if (rest.length > rowBytesMax) return done(new DockerError(502, `the engine's row has over ${rowBytesMax} bytes`));
      done(null, Buffer.from(lines.map((line) => `${change(line)}\n`).join(""), "latin1"));
    },
    flush(done) {
      done(null, Buffer.from(change(rest), "latin1"));
    },
  });
}
