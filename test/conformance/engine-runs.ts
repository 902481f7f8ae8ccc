/** EngineRuns and EngineExecs: what any engine must do. */
import { text as textOf } from "node:stream/consumers";
import { expect, it } from "vitest";
import { EngineTimeoutError } from "../../shared/fleet/engine-errors.ts";
import { type EngineFixture, outputOf, patient, readUntil } from "./engine-fixture.ts";

export function runCases(fixture: EngineFixture): void {
  it("start: runs; started again it is no error", async () => {
    const id = await fixture.run();
    expect(await fixture.state(id)).toBe("running");
    await fixture.engine.runs.start(id);
    expect(await fixture.state(id)).toBe("running");
  });

  it("start: a command that is not there is refused, in the engine's words", async () => {
    const { id } = await fixture.create(["/no/such/command"]);
    await expect(fixture.engine.runs.start(id)).rejects.toThrow(/no such file or directory/);
  });

  it("stop: ends by its signal; stopped again it is no error", async () => {
    const id = await fixture.run();
    await fixture.engine.runs.stop(id, { graceSeconds: 20 });
    const { State } = await fixture.engine.containers.inspect(id);
    expect(State).toMatchObject({ Status: "exited", Running: false, ExitCode: 0 });
    await fixture.engine.runs.stop(id);
  });

  it("stop: SIGKILL after its grace; the call's time-out begins after it", async () => {
    const id = await fixture.run(["sleep", "600"]);
    await fixture.engine.runs.stop(id, { graceSeconds: 1 }, { timeoutMs: 10_000 });
    expect((await fixture.engine.containers.inspect(id)).State.ExitCode).toBe(137);
  });

  it("kill: SIGKILL by default, or the signal that is named; 409 for one that does not run", async () => {
    const id = await fixture.run();
    await fixture.engine.runs.kill(id, "SIGTERM");
    expect((await fixture.engine.runs.wait(id)).StatusCode).toBe(0);
    await expect(fixture.engine.runs.kill(id)).rejects.toMatchObject({ name: "EngineError", status: 409 });
    const other = await fixture.run();
    await fixture.engine.runs.kill(other);
    expect((await fixture.engine.runs.wait(other)).StatusCode).toBe(137);
  });

  it("restart: runs anew; one that did not run is started", async () => {
    const { id } = await fixture.create();
    await fixture.engine.runs.restart(id);
    const { StartedAt } = (await fixture.engine.containers.inspect(id)).State;
    await fixture.engine.runs.restart(id, { graceSeconds: 20 });
    const { State } = await fixture.engine.containers.inspect(id);
    expect(State.Running).toBe(true);
    expect(State.StartedAt > StartedAt).toBe(true);
  });

  it("pause and unpause; 409 where it is so already", async () => {
    const { runs } = fixture.engine;
    const id = await fixture.run();
    await runs.pause(id);
    expect(await fixture.state(id)).toBe("paused");
    await expect(runs.pause(id)).rejects.toMatchObject({ status: 409 });
    await runs.unpause(id);
    expect(await fixture.state(id)).toBe("running");
    await expect(runs.unpause(id)).rejects.toMatchObject({ status: expect.any(Number) });
  });

  it("wait: the exit code, now or later", async () => {
    const { id, code } = await fixture.finish(["sh", "-c", "exit 3"]);
    expect(code).toBe(3);
    expect(await fixture.engine.runs.wait(id)).toMatchObject({ StatusCode: 3 });
    const running = await fixture.run();
    let isOver = false;
    const waiting = fixture.engine.runs.wait(running, "next-exit").finally(() => {
      isOver = true;
    });
    // An exit before the engine has begun to wait is not the next one.
    while (!isOver) {
      await fixture.engine.runs.kill(running);
      await fixture.engine.runs.wait(running);
      await fixture.engine.runs.start(running);
    }
    expect(await waiting).toMatchObject({ StatusCode: 137 });
  });

  it("wait: its time-out holds until it has begun to wait, its signal for ever", async () => {
    const id = await fixture.run();
    const leave = new AbortController();
    const waiting = fixture.engine.runs.wait(id, "not-running", { timeoutMs: 300, signal: leave.signal });
    const first = await Promise.race([
      waiting.catch((error: unknown) => error),
      fixture.engine.runs.stop(id, { graceSeconds: 5 }),
    ]);
    expect(first).not.toBeInstanceOf(EngineTimeoutError);
    const other = await fixture.run();
    const left = fixture.engine.runs.wait(other, "not-running", { signal: leave.signal });
    leave.abort(new Error("the caller left"));
    await expect(left).rejects.toThrow("the caller left");
  });

  it("wait: removed", async () => {
    const { id } = await fixture.create();
    const waiting = fixture.engine.runs.wait(id, "removed");
    await fixture.engine.containers.inspect(id);
    await fixture.engine.containers.remove(id);
    // An engine that removed it before it began to wait says that there is none.
    expect(await waiting.catch((error: Error) => error.name)).toSatisfy(
      (end: unknown) => end === "NoSuchContainerError" || typeof end === "object",
    );
  });

  it("top: processes under their titles; refused for one that does not run", async () => {
    const id = await fixture.run(["sleep", "600"]);
    const { Titles, Processes } = await fixture.engine.runs.top(id);
    expect(Titles).toContain("PID");
    expect(Processes.map((process) => process[Titles.indexOf("CMD")])).toEqual(["sleep 600"]);
    const { id: made } = await fixture.create();
    await expect(fixture.engine.runs.top(made)).rejects.toMatchObject({ status: expect.any(Number) });
  });

  it("exec: output, exit code and the container it ran in", async () => {
    const { execs } = fixture.engine;
    const id = await fixture.run();
    const Cmd = ["sh", "-c", "echo out; echo err >&2; exit 4"];
    const { Id } = await execs.create(id, { Cmd, AttachStdout: true, AttachStderr: true });
    expect(await execs.inspect(Id)).toMatchObject({ ID: Id, ContainerID: id, Running: false, ExitCode: null });
    expect(await outputOf(await execs.start(Id))).toEqual({ stdout: "out\n", stderr: "err\n" });
    await expect.poll(() => execs.inspect(Id)).toMatchObject({ Running: false, ExitCode: 4 });
  });

  it("exec: what is written comes to its stdin, and its end ends it", async () => {
    const { execs } = fixture.engine;
    const id = await fixture.run();
    const { Id } = await execs.create(id, { Cmd: ["cat"], AttachStdin: true, AttachStdout: true, AttachStderr: true });
    const connection = await execs.start(Id);
    connection.write("one\n");
    connection.end("two\n");
    expect(await outputOf(connection)).toEqual({ stdout: "one\ntwo\n", stderr: "" });
  });

  it("exec: with a terminal, which can be resized", async () => {
    const { execs } = fixture.engine;
    const id = await fixture.run();
    const { Id } = await execs.create(id, { Cmd: ["cat"], AttachStdin: true, AttachStdout: true, AttachStderr: true, Tty: true });
    const connection = await execs.start(Id, { tty: true });
    await execs.resize(Id, { height: 30, width: 100 });
    connection.write("hello\n");
    await readUntil(connection, "hello\r\nhello\r\n");
    connection.write("\u0004"); // control-D: a terminal's end of input
    expect(await textOf(connection)).toBe("");
    await expect.poll(() => execs.inspect(Id)).toMatchObject({ Running: false, ExitCode: 0 });
  });

  it("exec: detached", async () => {
    const { execs } = fixture.engine;
    const id = await fixture.run();
    const { Id } = await execs.create(id, { Cmd: ["sh", "-c", "exit 5"] });
    await execs.startDetached(Id);
    await expect.poll(() => execs.inspect(Id)).toMatchObject({ Running: false, ExitCode: 5 });
  });

  it("exec: refused for a container that does not run; one that is not there is NoSuchExecError", async () => {
    const { execs } = fixture.engine;
    const { id } = await fixture.create();
    await expect(execs.create(id, { Cmd: ["true"] })).rejects.toMatchObject({ name: "EngineError", status: 409 });
    for (const call of [() => execs.inspect("ab12"), () => execs.start("ab12"), () => execs.startDetached("ab12")]) {
      await expect(call()).rejects.toMatchObject({ name: "NoSuchExecError", status: 404 });
    }
  });

  it("a health check tells how it is", async () => {
    const Healthcheck = { Test: ["CMD", "true"], Interval: 100_000_000, Retries: 1 };
    const id = await fixture.run(patient, { Healthcheck });
    await expect
      .poll(() => fixture.engine.containers.inspect(id), { timeout: 20_000 })
      .toMatchObject({ State: { Health: { Status: "healthy" } } });
  });
}
