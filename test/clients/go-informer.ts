/** The informer of client-go (go/main.go) as a process: it is asked by lines and answers by lines. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";

export type GoReport = {
  readonly equal: boolean;
  readonly held: Readonly<Record<string, string>>;
  readonly list: Readonly<Record<string, string>>;
  readonly events: number;
  readonly failures: number;
};

export class GoInformer {
  readonly #child: ChildProcess;
  readonly #lines: AsyncIterator<string>;

  private constructor(child: ChildProcess) {
    if (child.stdout === null) throw new Error("its output is piped");
    this.#child = child;
    this.#lines = createInterface(child.stdout)[Symbol.asyncIterator]();
  }

  /** Resolves when it holds the first list. */
  static async start(program: string, kubeconfig: string): Promise<GoInformer> {
    const informer = new GoInformer(spawn(program, [kubeconfig], { stdio: ["pipe", "pipe", "ignore"] }));
    await informer.#line();
    return informer;
  }

  /** Waits until it holds what a fresh list shows, a minute at most. */
  async fresh(): Promise<GoReport> {
    this.#child.stdin?.write("fresh\n");
    return JSON.parse(await this.#line()) as GoReport;
  }

  async end(): Promise<void> {
    if (this.#child.exitCode !== null) return;
    const exited = once(this.#child, "exit");
    this.#child.stdin?.end();
    await exited;
  }

  async #line(): Promise<string> {
    const { value, done } = await this.#lines.next();
    if (done === true) throw new Error("the informer of client-go ended");
    return value;
  }
}
