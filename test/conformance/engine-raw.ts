/** EngineRaw: what any engine must do with requests that pass through. */
import { text as textOf } from "node:stream/consumers";
import { expect, it } from "vitest";
import { packTar } from "../../shared/fleet/simulated/tar.ts";
import { bytesOf, type EngineFixture, image, outputOf, patient, uniqueName } from "./engine-fixture.ts";

const json = { "content-type": "application/json" };

export function rawCases(fixture: EngineFixture): void {
  it("forward: an answer as the engine gives it, with its headers", async () => {
    const { id } = await fixture.create();
    const answer = await fixture.engine.raw.forward({ method: "GET", path: `/v1.41/containers/${id}/json`, headers: {} });
    expect(answer.status).toBe(200);
    expect(answer.headers["content-type"]).toBe("application/json");
    expect(answer.headers["transfer-encoding"]).toBeUndefined();
    expect(JSON.parse(await textOf(answer.body))).toMatchObject({ Id: id, State: { Status: "created" } });
  });

  it("forward: a refusal is an answer", async () => {
    const answer = await fixture.engine.raw.forward({ method: "GET", path: "/v1.41/containers/none/json", headers: {} });
    expect(answer.status).toBe(404);
    expect(JSON.parse(await textOf(answer.body))).toEqual({ message: "No such container: none" });
  });

  it("forward: bodies go through, whole or in parts", async () => {
    const name = uniqueName("raw");
    const body = Buffer.from(JSON.stringify({ Image: image, Cmd: patient }));
    const { raw, containers, streams } = fixture.engine;
    const made = await raw.forward({ method: "POST", path: `/v1.41/containers/create?name=${name}`, headers: json, body });
    expect(made.status).toBe(201);
    const { Id } = JSON.parse(await textOf(made.body)) as { readonly Id: string };
    const tar = packTar([{ name: "raw", type: "file", bytes: Buffer.from("hello") }]);
    const path = `/v1.41/containers/${Id}/archive?path=%2Ftmp`;
    const put = await raw.forward({ method: "PUT", path, headers: { "content-type": "application/x-tar" }, body: bytesOf(tar) });
    expect([put.status, await textOf(put.body)]).toEqual([200, ""]);
    expect(await streams.stat(Id, "/tmp/raw")).toMatchObject({ size: 5 });
    await containers.remove(Id);
  });

  it("forward: HEAD has no body; headers of one connection do not go through", async () => {
    const headers = { connection: "x-own", "transfer-encoding": "chunked", host: "elsewhere" };
    const answer = await fixture.engine.raw.forward({ method: "HEAD", path: "/_ping", headers });
    expect([answer.status, await textOf(answer.body)]).toEqual([200, ""]);
    expect(answer.headers["api-version"]).toMatch(/^1\./);
  });

  it("forward: a stream that is left ends", async () => {
    const id = await fixture.run(["sh", "-c", "while true; do echo line; done"]);
    const path = `/v1.41/containers/${id}/logs?follow=1&stdout=1`;
    const { body } = await fixture.engine.raw.forward({ method: "GET", path, headers: {} });
    for await (const chunk of body) if (String(chunk).includes("line")) break;
    expect(body.destroyed).toBe(true);
  });

  it("forward: a path that is none is refused before it is sent", async () => {
    const bad = fixture.engine.raw.forward({ method: "GET", path: "/a b\r\nx: y", headers: {} });
    await expect(bad).rejects.toMatchObject({ status: 400 });
  });

  it("upgrade: attach and exec become connections", async () => {
    const { raw, runs, execs } = fixture.engine;
    const { id } = await fixture.create(["cat"], { OpenStdin: true, StdinOnce: true });
    const attach = { method: "POST", path: `/v1.41/containers/${id}/attach?stream=1&stdin=1&stdout=1`, headers: {} };
    const attached = await raw.upgrade(attach);
    if (attached.kind !== "upgraded") throw new Error("attach did not switch");
    expect(attached.status).toBe(101);
    await runs.start(id);
    attached.connection.end("through\n");
    expect(await outputOf(attached.connection)).toEqual({ stdout: "through\n", stderr: "" });
    const running = await fixture.run();
    const { Id } = await execs.create(running, { Cmd: ["echo", "exec"], AttachStdout: true });
    const body = Buffer.from(JSON.stringify({ Detach: false, Tty: false }));
    const started = await raw.upgrade({ method: "POST", path: `/v1.41/exec/${Id}/start`, headers: json, body });
    if (started.kind !== "upgraded") throw new Error("exec did not switch");
    expect(await outputOf(started.connection)).toEqual({ stdout: "exec\n", stderr: "" });
  });

  it("upgrade: one that is refused is an answer", async () => {
    const refused = await fixture.engine.raw.upgrade({
      method: "POST",
      path: "/v1.41/containers/none/attach?stream=1",
      headers: {},
    });
    expect(refused.kind).toBe("answered");
    if (refused.kind !== "answered") return;
    expect(refused.answer.status).toBe(404);
    expect(await textOf(refused.answer.body)).toContain("No such container: none");
  });
}
