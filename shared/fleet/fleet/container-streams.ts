/** The verbs of a fleet's containers that carry bytes, and how a verb finds its container's engine. containers.ts has the others. */
import type { Readable } from "node:stream";
import type { JsonObject } from "../../base/json.ts";
import type { ByteSource, Call, Rows, StreamCall } from "../engine/call.ts";
import type { AttachOptions, LogOptions, PathStat, TerminalSize } from "../engine/streams.ts";
import { Attachment, type AttachStreams } from "./attachment.ts";
import { copyOut, type Sink } from "./copy.ts";
import { wrapped } from "./errors.ts";
import type { Footing } from "./ground.ts";
import { type Found, findContainer } from "./lookup.ts";

/** A commit writes the container's layer to disk, an upload or a removal works through gigabytes: the source's five minutes, and room. */
export const slowMs = 15 * 60_000;

/** `logs`: what was written before comes first. */
export type AttachContainer = AttachStreams & Pick<AttachOptions, "logs" | "detachKeys">;

export class ContainerStreams {
  protected readonly footing: Footing;

  constructor(footing: Footing) {
    this.footing = footing;
  }

  /** @throws NoSuchContainerError, AmbiguousError; NodeError when its node has no engine. */
  find(reference: string): Promise<Found> {
    return findContainer(this.footing.ground, reference);
  }

  resize(reference: string, size: TerminalSize, call?: Call): Promise<void> {
    return this.on(reference, "resize", ({ engine, engineId }) => engine.streams.resize(engineId, size, call));
  }

  stats(reference: string, options: { readonly once?: boolean } = {}, call?: StreamCall): Promise<Rows<JsonObject>> {
    return this.on(reference, "stats", ({ engine, engineId }) => engine.streams.stats(engineId, options, call));
  }

  /** Output that was written, and with `follow` what is written until it ends; copied until then. */
  logs(reference: string, options: Omit<LogOptions, keyof Sink> & Sink, call?: StreamCall): Promise<void> {
    const { stdout, stderr, ...rest } = options;
    const wanted = { ...rest, stdout: stdout !== undefined, stderr: stderr !== undefined };
    return this.on(reference, "logs", async ({ engine, engineId }) => {
      const { Config } = await engine.containers.inspect(engineId, {}, call);
      const isTty = Config.Tty;
      await copyOut(await engine.streams.logs(engineId, wanted, call), { isTty, sink: { stdout, stderr } });
    });
  }

  /** Until it ends. */
  async attach(reference: string, options: AttachContainer = {}, call?: Call): Promise<void> {
    await using attachment = await this.attachNonBlocking(reference, options, call);
    await attachment.wait();
  }

  /** Returns when it is attached: whoever asked waits, or closes. */
  attachNonBlocking(reference: string, options: AttachContainer = {}, call?: Call): Promise<Attachment> {
    const { stdin, stdout, stderr, logs, detachKeys } = options;
    return this.on(reference, "attach", async ({ engine, engineId, node }) => {
      const { Config } = await engine.containers.inspect(engineId, {}, call);
      const asked = { stdin: stdin !== undefined, stdout: stdout !== undefined, stderr: stderr !== undefined };
      const more = { ...(logs !== undefined && { logs }), ...(detachKeys !== undefined && { detachKeys }) };
      const stream = await engine.streams.attach(engineId, { ...asked, ...more }, call);
      const wrap = (error: unknown) => wrapped(node.metadata.name, "attach", error);
      return new Attachment(stream, { stdout, stderr, ...(stdin && { stdin }), isTty: Config.Tty, wrap });
    });
  }

  /** A tar of its whole file system. */
  export(reference: string, call?: StreamCall): Promise<Readable> {
    return this.on(reference, "export", ({ engine, engineId }) => engine.streams.export(engineId, call));
  }

  stat(reference: string, path: string, call?: Call): Promise<PathStat> {
    return this.on(reference, "stat", ({ engine, engineId }) => engine.streams.stat(engineId, path, call));
  }

  download(reference: string, path: string, call?: StreamCall): Promise<{ readonly stat: PathStat; readonly tar: Readable }> {
    return this.on(reference, "download", ({ engine, engineId }) => engine.streams.download(engineId, path, call));
  }

  upload(reference: string, path: string, tar: ByteSource, call?: StreamCall): Promise<void> {
    const each = { timeoutMs: slowMs, ...call };
    return this.on(reference, "upload", ({ engine, engineId }) => engine.streams.upload(engineId, path, tar, each));
  }

  protected async on<T>(reference: string, command: string, act: (found: Found) => Promise<T>): Promise<T> {
    return this.ask(await this.find(reference), command, act);
  }

  protected async ask<T>(found: Found, command: string, act: (found: Found) => Promise<T>): Promise<T> {
    try {
      return await act(found);
    } catch (error) {
      throw wrapped(found.node.metadata.name, command, error);
    }
  }
}
