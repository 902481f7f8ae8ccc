/** A process in a simulated container: its command, what it has written, what it is given to read, its terminal, its end. */
import { Duplex } from "node:stream";
import { setImmediate } from "node:timers/promises";
import type { Clock } from "../../base/clock.ts";
import type { StreamName } from "../engine/frames.ts";
import type { FileSystem } from "./file-system.ts";
import { Output, OutputReader, type ReadOptions } from "./output.ts";
import { runProgram, trapsTerm } from "./program.ts";

/** Input that nobody reads yet; more is dropped, as by a terminal. */
const inputCharactersMax = 1024 * 1024;

export type ProcessOptions = {
  readonly clock: Clock;
  readonly files: FileSystem;
  readonly command: readonly string[];
  readonly isTty: boolean;
  /** Without it stdin is at its end from the beginning. */
  readonly hasStdin: boolean;
  readonly output?: Output;
};

export class Process {
  readonly command: readonly string[];
  readonly isTty: boolean;
  readonly output: Output;
  readonly #options: ProcessOptions;
  readonly #ended = new AbortController();
  #input = "";
  #hasInputEnded: boolean;
  #wakeReader: (() => void) | undefined;
  #killedWith: number | undefined;

  constructor(options: ProcessOptions) {
    this.command = options.command;
    this.isTty = options.isTty;
    this.output = options.output ?? new Output();
    this.#options = options;
    this.#hasInputEnded = !options.hasStdin;
  }

  /** The exit code, when it ends. */
  async run(): Promise<number> {
    const { clock, files } = this.#options;
    const machine = {
      clock,
      files,
      ended: this.#ended.signal,
      readLine: () => this.#readLine(),
      write: async (stream: StreamName, text: string) => {
        this.#write(stream, text);
        await setImmediate(); // endless output leaves time for others
      },
    };
    const code = await runProgram(this.command, machine).catch((error: unknown) => {
      if (this.#killedWith !== undefined) return this.#killedWith;
      throw error;
    });
    this.#ended.abort();
    this.output.end();
    return this.#killedWith ?? code;
  }

  /** false: the signal does nothing to it, as with most signals to PID 1. */
  signal(name: string): boolean {
    const plain = name.replace(/^SIG/, "");
    const isKill = plain === "KILL" || plain === "9";
    if (!isKill && !(plain === "TERM" && trapsTerm(this.command))) return false;
    this.#killedWith ??= isKill ? 137 : 0;
    this.#ended.abort();
    this.#wakeReader?.();
    return true;
  }

  /** `echo`: what a terminal shows of what is typed. */
  give(text: string): void {
    const [typed = "", ...after] = this.isTty ? text.split("\u0004") : [text];
    if (this.isTty && typed !== "") this.#write("stdout", typed);
    this.#input = (this.#input + typed).slice(0, inputCharactersMax);
    if (after.length > 0) this.#hasInputEnded = true;
    this.#wakeReader?.();
  }

  endInput(): void {
    this.#hasInputEnded = true;
    this.#wakeReader?.();
  }

  /** Both ways. `onEnd`: stdin is done with. */
  connect(options: Pick<ReadOptions, "stdout" | "stderr" | "from">, stdin: { readonly onEnd: () => void } | undefined): Duplex {
    const reader = new OutputReader(this.output, { ...options, isTty: this.isTty, follow: true });
    const connection = new Duplex({
      read: () => void reader.resume(),
      write: (chunk: Buffer, _encoding, done) => {
        if (stdin !== undefined) this.give(chunk.toString());
        done();
      },
      final: (done) => {
        stdin?.onEnd();
        done();
      },
      destroy: (error, done) => {
        reader.destroy();
        done(error);
      },
    });
    reader.on("data", (chunk: Buffer) => connection.push(chunk) || reader.pause());
    reader.once("end", () => connection.push(null));
    reader.pause();
    connection.on("error", () => undefined); // its user sees it end
    return connection;
  }

  #write(stream: StreamName, text: string): void {
    const shown = this.isTty ? text.replaceAll("\n", "\r\n") : text;
    this.output.write({ stream: this.isTty ? "stdout" : stream, text: shown, atMs: this.#options.clock.now() });
  }

  async #readLine(): Promise<string | undefined> {
    for (;;) {
      const end = this.#input.indexOf("\n");
      if (end >= 0) {
        const line = this.#input.slice(0, end);
        this.#input = this.#input.slice(end + 1);
        return line;
      }
      if (this.#hasInputEnded || this.#ended.signal.aborted) return undefined;
      await new Promise<void>((resolve) => {
        this.#wakeReader = resolve;
      });
    }
  }
}
