/** EngineContainers: what any engine must do. */
import { text as textOf } from "node:stream/consumers";
import { expect, it } from "vitest";
import { type EngineFixture, image, patient, uniqueName } from "./engine-fixture.ts";

const absent = "0123456789ab";

export function containerCases(fixture: EngineFixture): void {
  it("create: made and not started; found by id and by name", async () => {
    const { id, name } = await fixture.create(["true"], { Labels: { a: "b" } });
    const { containers } = fixture.engine;
    const byId = await containers.inspect(id);
    expect(byId).toMatchObject({
      Id: id,
      Name: `/${name}`,
      State: { Status: "created", Running: false },
      Config: { Image: image },
    });
    expect(byId.Config.Labels).toMatchObject({ a: "b" });
    expect((await containers.inspect(name)).Id).toBe(id);
  });

  it("create: a name that is taken is refused, and the refusal names its holder", async () => {
    const { id, name } = await fixture.create();
    const again = fixture.engine.containers.create({ name, body: { Image: image } });
    await expect(again).rejects.toMatchObject({ name: "NameTakenError", status: 409, holder: id });
  });

  it("create: of many with one name at once one is made", async () => {
    const name = uniqueName("race");
    const creates = Array.from({ length: 5 }, () => fixture.engine.containers.create({ name, body: { Image: image } }));
    const outcomes = await Promise.allSettled(creates);
    const made = outcomes.flatMap((outcome) => (outcome.status === "fulfilled" ? [outcome.value.Id] : []));
    await fixture.engine.containers.remove(`${made[0]}`);
    expect(made).toHaveLength(1);
  });

  it("create: an image that is not there is NoSuchImageError, and nothing is made", async () => {
    const name = uniqueName("none");
    const body = { Image: "nobody/has-this:1" };
    await expect(fixture.engine.containers.create({ name, body })).rejects.toMatchObject({
      name: "NoSuchImageError",
      status: 404,
    });
    await expect(fixture.engine.containers.inspect(name)).rejects.toMatchObject({ name: "NoSuchContainerError" });
  });

  it("create: a name that is none is refused with 400", async () => {
    const bad = fixture.engine.containers.create({ name: "no/name", body: { Image: image } });
    await expect(bad).rejects.toMatchObject({ name: "EngineError", status: 400, mayHaveHappened: false });
  });

  it("each verb on one that is not there is NoSuchContainerError", async () => {
    const { containers, runs, streams, execs } = fixture.engine;
    const calls: readonly (() => Promise<unknown>)[] = [
      () => containers.inspect(absent),
      () => containers.remove(absent),
      () => containers.rename(absent, uniqueName("new")),
      () => containers.update(absent, { Memory: 64 * 1024 * 1024 }),
      () => containers.changes(absent),
      () => containers.commit(absent),
      () => runs.start(absent),
      () => runs.stop(absent),
      () => runs.restart(absent),
      () => runs.kill(absent),
      () => runs.pause(absent),
      () => runs.unpause(absent),
      () => runs.wait(absent),
      () => runs.top(absent),
      () => streams.logs(absent),
      () => streams.stats(absent),
      () => streams.attach(absent),
      () => streams.resize(absent, { height: 24, width: 80 }),
      () => streams.stat(absent, "/bin"),
      () => streams.download(absent, "/bin"),
      () => streams.export(absent),
      () => execs.create(absent, { Cmd: ["true"] }),
    ];
    for (const call of calls)
      await expect(call(), String(call)).rejects.toMatchObject({ name: "NoSuchContainerError", status: 404 });
  });

  it("an id with a path in it stays an id", async () => {
    const { containers, runs, streams, execs } = fixture.engine;
    for (const id of ["../info", "..", "", "a/b"]) {
      for (const call of [
        () => containers.inspect(id),
        () => runs.kill(id),
        () => streams.stat(id, "/"),
        () => execs.inspect(id),
      ]) {
        await expect(call(), id).rejects.toMatchObject({ name: "EngineError", status: 400 });
      }
    }
    await expect(containers.inspect("a?b=c#d")).rejects.toMatchObject({ name: "NoSuchContainerError" });
  });

  it("list: running ones; all with `all`; filters by label, status, name and id", async () => {
    const test = uniqueName("list");
    const running = await fixture.run(patient, { Labels: { test, kind: "running" } });
    const { id: made, name } = await fixture.create(patient, { Labels: { test } });
    const ids = async (all: boolean, filters: Readonly<Record<string, readonly string[]>>) =>
      (await fixture.engine.containers.list({ all, filters: { label: [`test=${test}`], ...filters } })).map(({ Id }) => Id);
    expect(await ids(false, {})).toEqual([running]);
    expect(await ids(true, {})).toEqual([made, running]);
    expect(await ids(true, { label: [`test=${test}`, "kind"] })).toEqual([running]);
    expect(await ids(true, { status: ["created"] })).toEqual([made]);
    expect(await ids(true, { name: [name] })).toEqual([made]);
    expect(await ids(true, { id: [running.slice(0, 12)] })).toEqual([running]);
    expect(await ids(true, { label: ["test=other"] })).toEqual([]);
  });

  it("list: rows say what runs, since when and under which names", async () => {
    const test = uniqueName("row");
    const { id, name } = await fixture.create(["sleep", "60"], { Labels: { test } });
    const filters = { label: [`test=${test}`] };
    const [row] = await fixture.engine.containers.list({ all: true, filters });
    expect(row).toMatchObject({ Id: id, Names: [`/${name}`], Image: image, Command: "sleep 60", State: "created", Ports: [] });
    expect(row?.Labels).toMatchObject({ test });
    expect(Math.abs((row?.Created ?? 0) - Date.now() / 1_000)).toBeLessThan(60);
  });

  it("list: `limit` gives the newest", async () => {
    const Labels = { test: uniqueName("limit") };
    await fixture.create(patient, { Labels });
    const { id } = await fixture.create(patient, { Labels });
    const filters = { label: [`test=${Labels.test}`] };
    expect((await fixture.engine.containers.list({ limit: 1, filters })).map(({ Id }) => Id)).toEqual([id]);
  });

  it("remove: gone, also by name; a running one only with force", async () => {
    const { containers } = fixture.engine;
    const { id, name } = await fixture.create();
    await containers.remove(name);
    await expect(containers.inspect(id)).rejects.toMatchObject({ name: "NoSuchContainerError" });
    const running = await fixture.run();
    await expect(containers.remove(running)).rejects.toMatchObject({ status: 409 });
    await containers.remove(running, { force: true });
    await expect(containers.remove(running)).rejects.toMatchObject({ name: "NoSuchContainerError" });
  });

  it("rename: found by the new name; one that is taken is refused", async () => {
    const { containers } = fixture.engine;
    const { id } = await fixture.create();
    const other = await fixture.create();
    const name = uniqueName("renamed");
    await containers.rename(id, name);
    expect((await containers.inspect(name)).Id).toBe(id);
    await expect(containers.rename(id, other.name)).rejects.toMatchObject({ name: "NameTakenError" });
  });

  it("update: changes limits", async () => {
    const { id } = await fixture.create();
    await fixture.engine.containers.update(id, { CpuShares: 512 });
    expect((await fixture.engine.containers.inspect(id)).HostConfig["CpuShares"]).toBe(512);
  });

  it("changes: what was put into it", async () => {
    const { id } = await fixture.finish(["sh", "-c", "echo hello > /tmp/file"]);
    expect(await fixture.engine.containers.changes(id)).toEqual(expect.arrayContaining([{ Path: "/tmp/file", Kind: 1 }]));
  });

  it("changes: none is an empty list", async () => {
    expect(await fixture.engine.containers.changes((await fixture.create()).id)).toEqual([]);
  });

  it("commit: an image of it, with what was changed in it", async () => {
    const { id } = await fixture.finish(["sh", "-c", "echo hello > /tmp/file"]);
    const repo = uniqueName("committed");
    const { Id } = await fixture.engine.containers.commit(id, { repo, tag: "one", changes: "LABEL a=b" });
    expect(await fixture.engine.images.inspect(`${repo}:one`)).toMatchObject({ Id, RepoTags: [`${repo}:one`] });
    const again = await fixture.finish(["cat", "/tmp/file"], { Image: `${repo}:one`, Tty: true });
    expect((await textOf(await fixture.engine.streams.logs(again.id))).trim()).toBe("hello");
    await fixture.clean();
    await fixture.engine.images.remove(`${repo}:one`);
  });
}
