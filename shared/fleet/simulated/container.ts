/** A container of a simulated engine: its states as Docker's, its process, its files. Verbs refuse as Docker does. */
import type { Clock } from "../../base/clock.ts";
import type { JsonObject } from "../../base/json.ts";
import type { ContainerCreate, ContainerDetails, ContainerState, ContainerSummary } from "../engine/containers.ts";
import type { StopOptions } from "../engine/runs.ts";
import { EngineError } from "../engine-errors.ts";
import { FileSystem, type SimulatedFile } from "./file-system.ts";
import { Output } from "./output.ts";
import { Process } from "./process.ts";
import { checkCommand } from "./program.ts";

const never = "0001-01-01T00:00:00Z";

export type ContainerMade = {
  readonly id: string;
  readonly name: string;
  readonly body: ContainerCreate;
  readonly image: {
    readonly id: string;
    readonly files: ReadonlyMap<string, SimulatedFile>;
    readonly command: readonly string[];
  };
  readonly clock: Clock;
  /** Tells of what happens to it. */
  readonly tell: (action: string, attributes?: Readonly<Record<string, string>>) => void;
};

export class SimulatedContainer {
  readonly id: string;
  readonly files: FileSystem;
  readonly output = new Output();
  readonly body: ContainerCreate;
  name: string;
  hostConfig: JsonObject;
  readonly networks = new Map<string, JsonObject>();
  readonly #made: ContainerMade;
  readonly #createdMs: number;
  readonly #exits = new Set<() => void>();
  readonly #removals = new Set<() => void>();
  #state: "created" | "running" | "paused" | "exited" = "created";
  #process: Process;
  #exitCode = 0;
  #startedMs: number | undefined;
  #finishedMs: number | undefined;
  #starts = 0;

  constructor(made: ContainerMade) {
    this.#made = made;
    this.id = made.id;
    this.name = made.name;
    this.body = made.body;
    this.hostConfig = (made.body["HostConfig"] ?? {}) as JsonObject;
    this.files = new FileSystem(made.image.files);
    this.#createdMs = made.clock.now();
    this.#process = this.#newProcess();
    const mode = this.hostConfig["NetworkMode"];
    // One of that name need not be there before it starts.
    this.networks.set(typeof mode === "string" && mode !== "" && mode !== "default" ? mode : "bridge", {});
  }

  get isRunning(): boolean {
    return this.#state === "running" || this.#state === "paused";
  }
  get state(): string {
    return this.#state;
  }
  get process(): Process {
    return this.#process;
  }
  get command(): readonly string[] {
    const { Entrypoint, Cmd } = this.body as { readonly Entrypoint?: readonly string[]; readonly Cmd?: readonly string[] | null };
    const given = [...(Entrypoint ?? []), ...(Cmd ?? [])];
    return given.length > 0 ? given : this.#made.image.command;
  }
  get imageId(): string {
    return this.#made.image.id;
  }
  get labels(): Readonly<Record<string, string>> {
    return this.body.Labels ?? {};
  }

  start(): void {
    if (this.#state === "paused") throw this.#refuse("cannot start a paused container, try unpause instead");
    if (this.isRunning) return;
    checkCommand(this.command);
    if (this.#starts > 0) this.#process = this.#newProcess();
    this.#starts += 1;
    this.output.begin();
    this.#state = "running";
    this.#startedMs = this.#made.clock.now();
    this.#made.tell("start");
    const process = this.#process;
    process.run().then(
      (code) => this.#finish(code),
      () => this.#finish(126),
    );
  }

  async stop({ graceSeconds = 10, signal = "SIGTERM" }: StopOptions = {}): Promise<void> {
    if (!this.isRunning) return;
    const exit = this.untilExit();
    this.#made.tell("kill", { signal });
    if (this.#process.signal(signal)) return await exit;
    await Promise.race([exit, this.#made.clock.sleep(graceSeconds * 1_000)]);
    this.#process.signal("SIGKILL");
    await exit;
    this.#made.tell("stop");
  }

  kill(signal: string): void {
    if (!this.isRunning) throw this.#refuse(`Cannot kill container: ${this.id}: Container ${this.id} is not running`);
    this.#made.tell("kill", { signal });
    this.#process.signal(signal);
  }

  pause(isPaused: boolean): void {
    const isWrong = isPaused ? this.#state !== "running" : this.#state !== "paused";
    const why = this.#state === "paused" ? "is already paused" : this.isRunning ? "is not paused" : "is not running";
    if (isWrong) throw this.#refuse(`Container ${this.id} ${why}`);
    this.#state = isPaused ? "paused" : "running";
    this.#made.tell(isPaused ? "pause" : "unpause");
  }

  /** Resolves at its next end. */
  untilExit(): Promise<void> {
    return new Promise((resolve) => this.#exits.add(resolve));
  }
  untilRemoved(): Promise<void> {
    return new Promise((resolve) => this.#removals.add(resolve));
  }

  /** Whoever waits is told. */
  removed(): void {
    this.#process.signal("SIGKILL");
    this.output.end();
    for (const told of [...this.#exits, ...this.#removals]) told();
  }

  mustRun(): void {
    if (!this.isRunning) throw this.#refuse(`Container ${this.id} is not running`);
    if (this.#state === "paused") throw this.#refuse(`Container ${this.id} is paused, unpause the container before exec`);
  }

  get exitCode(): number {
    return this.#exitCode;
  }

  summary(): ContainerSummary {
    return {
      Id: this.id,
      Names: [`/${this.name}`],
      Image: this.body.Image,
      ImageID: this.imageId,
      Command: this.command.join(" "),
      Created: Math.floor(this.#createdMs / 1_000),
      State: this.#state,
      Status: this.#state === "exited" ? `Exited (${this.#exitCode})` : this.#state === "created" ? "Created" : "Up",
      Ports: [],
      Labels: this.labels,
      HostConfig: { NetworkMode: "default" },
      NetworkSettings: { Networks: Object.fromEntries(this.networks) },
      Mounts: [],
    };
  }

  details(): ContainerDetails {
    const [Path = "", ...Args] = this.command;
    return {
      Id: this.id,
      Name: `/${this.name}`,
      Created: new Date(this.#createdMs).toISOString(),
      Path,
      Args,
      Image: this.imageId,
      State: this.#stateDetails(),
      RestartCount: 0,
      Config: { ...this.body, Labels: this.labels, Tty: this.#process.isTty, Cmd: this.command },
      HostConfig: this.hostConfig,
      NetworkSettings: { Networks: Object.fromEntries(this.networks) },
      Mounts: [],
    };
  }

  #stateDetails(): ContainerState {
    // Engines tell nanoseconds: two starts are never at the same time.
    const nanoseconds = `${String(this.#starts).padStart(6, "0")}Z`;
    const time = (ms: number | undefined) => (ms === undefined ? never : new Date(ms).toISOString().replace("Z", nanoseconds));
    return {
      Status: this.#state,
      Running: this.isRunning,
      Paused: this.#state === "paused",
      Restarting: false,
      OOMKilled: false,
      Dead: false,
      Pid: this.isRunning ? 1_000 + this.#starts : 0,
      ExitCode: this.#exitCode,
      Error: "",
      StartedAt: time(this.#startedMs),
      FinishedAt: time(this.#finishedMs),
      ...(this.isRunning &&
        this.body["Healthcheck"] !== undefined && { Health: { Status: "healthy", FailingStreak: 0, Log: [] } }),
    };
  }

  #newProcess(): Process {
    return new Process({
      clock: this.#made.clock,
      files: this.files,
      command: this.command,
      isTty: this.body["Tty"] === true,
      hasStdin: this.body["OpenStdin"] === true,
      output: this.output,
    });
  }

  #finish(code: number): void {
    this.#state = "exited";
    this.#exitCode = code;
    this.#finishedMs = this.#made.clock.now();
    this.#made.tell("die", { exitCode: String(code) });
    for (const told of this.#exits) told();
    this.#exits.clear();
  }

  #refuse(message: string): EngineError {
    return new EngineError(409, message);
  }
}
