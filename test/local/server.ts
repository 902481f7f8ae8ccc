/** The embedded server as its own process, as `npm start` runs it: on a free port and a folder of the test's. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { request } from "node:http";
import path from "node:path";
import { text } from "node:stream/consumers";

const root = path.resolve(import.meta.dirname, "../..");

export type Answer = { readonly status: number; readonly body: string };

export type ServerOptions = {
  /** Absent: off, for where there are no engines what is written of nodes must stay as it was written. */
  readonly fleet?: "on" | "off";
};

export class Server {
  readonly child: ChildProcess;
  readonly port: number;
  readonly folder: string;
  readonly token: string;

  private constructor(child: ChildProcess, { port, folder, token }: { port: number; folder: string; token: string }) {
    this.child = child;
    this.port = port;
    this.folder = folder;
    this.token = token;
  }

  /** Resolves when it listens. @throws with what it said when it did not start. */
  static async start(folder: string, { fleet = "off" }: ServerOptions = {}): Promise<Server> {
    const own = { WINDLASS_PORT: "0", WINDLASS_DATA: folder, WINDLASS_HOST: "127.0.0.1", WINDLASS_FLEET: fleet };
    const env = { ...process.env, ...own };
    const child = spawn(process.execPath, ["functions/local/main.ts"], { cwd: root, env, stdio: ["ignore", "pipe", "pipe"] });
    let said = "";
    const port = await new Promise<number>((resolve, reject) => {
      const hear = (chunk: Buffer) => {
        said += chunk.toString();
        const [, found] = /listens on https:\/\/[^:]+:(\d+)/.exec(said) ?? [];
        if (found !== undefined && said.includes("Stop with")) resolve(Number(found));
      };
      child.stdout?.on("data", hear);
      child.stderr?.on("data", hear);
      child.once("exit", (code) => reject(new Error(`the server ended with ${code}: ${said}`)));
    });
    const token = (await readFile(path.join(folder, "admin.token"), "utf8")).trim();
    return new Server(child, { port, folder, token });
  }

  get kubeconfig(): string {
    return path.join(this.folder, "kubeconfig");
  }

  /** Ends it with `signal` and waits for that; idempotent. */
  async end(signal: NodeJS.Signals = "SIGTERM"): Promise<number | null> {
    if (this.child.exitCode === null && this.child.signalCode === null) {
      const exited = once(this.child, "exit");
      this.child.kill(signal);
      await exited;
    }
    return this.child.exitCode;
  }

  /** Nobody works on the cluster's nodes from here on. */
  async pause(cluster = "default"): Promise<void> {
    const answer = await this.ask("PATCH", `/apis/windlass.dev/v1/clusters/${cluster}`, { spec: { paused: true } });
    if (answer.status !== 200) throw new Error(answer.body);
  }

  /** One request over plain HTTP from loopback. Rejects when the connection breaks before the answer is whole. */
  ask(method: string, url: string, body?: object): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const headers = {
        authorization: `Bearer ${this.token}`,
        "content-type": method === "PATCH" ? "application/merge-patch+json" : "application/json",
      };
      const sent = request({ host: "127.0.0.1", port: this.port, method, path: url, headers }, (response) => {
        text(response).then((answer) => resolve({ status: response.statusCode ?? 0, body: answer }), reject);
      });
      sent.on("error", reject);
      sent.end(body === undefined ? undefined : JSON.stringify(body));
    });
  }
}
