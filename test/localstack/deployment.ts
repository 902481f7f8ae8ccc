/** The stack on LocalStack, put there and taken away by the plain CDK CLI, as people type it; and the way into it. */
import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { promisify } from "node:util";
import { parse } from "yaml";

const run = promisify(execFile);
const root = path.resolve(import.meta.dirname, "../..");
const outputBytesMax = 16 * 1024 * 1024;
/** LocalStack's account, and the region of the tests. Where the CLI is told, it need not ask the app. */
const environment = "aws://000000000000/us-east-1";

export type Outputs = Readonly<Record<"Url" | "AdminTokenSecret" | "Installer" | "LogTable" | "ObjectsTable" | "Bus", string>>;

export type DeploymentOptions = {
  readonly endpoint: string;
  /** The stack's name. */
  readonly stack: string;
  /** The file of a CDK app. Default: Windlass's own. */
  readonly app?: string;
};

/** `O`: the outputs of its stack. */
export class Deployment<O extends Readonly<Record<string, string>> = Outputs> {
  readonly stack: string;
  readonly #endpoint: string;
  readonly #app: string;
  readonly #folder: string;

  private constructor({ endpoint, stack, app = "cdk/app.ts" }: DeploymentOptions, folder: string) {
    this.#endpoint = endpoint;
    this.stack = stack;
    this.#app = app;
    this.#folder = folder;
  }

  /** Nothing is deployed yet; `end` it. */
  static async begin<O extends Readonly<Record<string, string>> = Outputs>(options: DeploymentOptions): Promise<Deployment<O>> {
    const folder = await mkdtemp(path.join(tmpdir(), "windlass-deployment-"));
    return new Deployment<O>(options, folder);
  }

  /** Once an account. */
  bootstrap(): Promise<void> {
    return this.#cdk("bootstrap", environment);
  }

  /** `cdk deploy`, with `-c name=value` for each of `contexts`; again for what has changed. */
  async deploy(...contexts: readonly string[]): Promise<O> {
    const file = path.join(this.#folder, "outputs.json");
    await this.#cdk("deploy", "--require-approval", "never", "--outputs-file", file, ...contexts.flatMap((one) => ["-c", one]));
    const outputs = JSON.parse(await readFile(file, "utf8")) as Readonly<Record<string, O>>;
    const found = outputs[this.stack];
    if (found === undefined) throw new Error(`there are outputs of ${Object.keys(outputs).join(", ")} only`);
    return found;
  }

  async destroy(...contexts: readonly string[]): Promise<void> {
    await this.#cdk("destroy", "--force", ...contexts.flatMap((one) => ["-c", one]));
  }

  /** `windlass kubeconfig --stack`, in a file of a folder that `end` removes. */
  async kubeconfig(): Promise<{ readonly file: string; readonly server: string; readonly token: string }> {
    const file = path.join(this.#folder, "kubeconfig");
    const typed = [path.join(root, "functions/cli/main.ts"), "kubeconfig", "--stack", this.stack];
    const { stdout } = await run(process.execPath, typed, { env: this.#environment() });
    await writeFile(file, stdout, { mode: 0o600 });
    const { clusters, users } = parse(stdout) as {
      clusters: { cluster: { server: string } }[];
      users: { user: { token: string } }[];
    };
    return { file, server: clusters[0]?.cluster.server ?? "", token: users[0]?.user.token ?? "" };
  }

  /** Removes what is on this machine; the stack stays as it is. */
  end(): Promise<void> {
    return rm(this.#folder, { recursive: true, force: true });
  }

  async #cdk(...words: readonly string[]): Promise<void> {
    const cli = path.join(root, "node_modules/aws-cdk/bin/cdk");
    const common = [
      "--app",
      `node ${this.#app}`,
      "--output",
      path.join(this.#folder, "out"),
      "-c",
      `stack=${this.stack}`,
      "--no-notices",
    ];
    const options = { cwd: root, env: this.#environment(), maxBuffer: outputBytesMax };
    try {
      await run(process.execPath, [cli, ...words, ...common], options);
    } catch (cause) {
      const said = cause instanceof Error && "stderr" in cause ? String(cause.stderr) : "";
      throw new Error(`cdk ${words[0]} failed:\n${said.slice(-4_000)}`, { cause });
    }
  }

  #environment() {
    return {
      // The Node that runs this test, and no other, stands behind `node`.
      PATH: `${path.dirname(process.execPath)}${path.delimiter}${process.env["PATH"]}`,
      HOME: this.#folder,
      AWS_ENDPOINT_URL: this.#endpoint,
      // The bucket in the path, not in a host name that nobody resolves.
      AWS_ENDPOINT_URL_S3: this.#endpoint,
      AWS_REGION: "us-east-1",
      AWS_ACCESS_KEY_ID: "test",
      AWS_SECRET_ACCESS_KEY: "test",
      CDK_DISABLE_CLI_TELEMETRY: "true",
    };
  }
}
