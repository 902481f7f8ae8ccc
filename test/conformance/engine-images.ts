/** EngineImages and ImageTransfers: what any engine must do. Those with a registry need one that the engine can use. */
import { text as textOf } from "node:stream/consumers";
import { afterEach, expect, it } from "vitest";
import { packTar } from "../../shared/fleet/simulated/tar.ts";
import { bytesOf, type EngineFixture, image, rowsOf, uniqueName } from "./engine-fixture.ts";

export function imageCases(fixture: EngineFixture): void {
  const made: string[] = [];
  afterEach(async () => {
    await fixture.clean();
    for (const reference of made.splice(0)) await fixture.engine.images.remove(reference, { force: true }).catch(() => undefined);
  });
  const named = (base: string): string => {
    const name = `${uniqueName(base)}:one`;
    made.push(name);
    return name;
  };
  const tagged = async (name: string): Promise<void> => {
    const colon = name.lastIndexOf(":");
    await fixture.engine.images.tag(image, { repo: name.slice(0, colon), tag: name.slice(colon + 1) });
  };

  it("inspect and list: by name and by id", async () => {
    const { images } = fixture.engine;
    const details = await images.inspect(image);
    expect(details).toMatchObject({ Os: "linux", RepoTags: expect.arrayContaining([image]) });
    expect((await images.inspect(details.Id)).Id).toBe(details.Id);
    const listed = await images.list({ filters: { reference: ["busybox"] } });
    expect(listed.map(({ Id }) => Id)).toEqual([details.Id]);
  });

  it("tag and remove: a name more and a name less", async () => {
    const { images } = fixture.engine;
    const name = named("tagged");
    await tagged(name);
    expect((await images.inspect(name)).Id).toBe((await images.inspect(image)).Id);
    expect(await images.remove(name)).toEqual([{ Untagged: name }]);
    await expect(images.inspect(name)).rejects.toMatchObject({ name: "NoSuchImageError" });
    expect((await images.inspect(image)).RepoTags).toContain(image);
  });

  it("each verb on one that is not there is NoSuchImageError", async () => {
    const { images, transfers } = fixture.engine;
    const none = "nobody/has-this:1";
    const calls: readonly (() => Promise<unknown>)[] = [
      () => images.inspect(none),
      () => images.history(none),
      () => images.tag(none, { repo: "x" }),
      () => images.remove(none),
      () => transfers.save([none]),
    ];
    for (const call of calls) {
      await expect(call()).rejects.toMatchObject({ name: "NoSuchImageError", status: 404 });
    }
  });

  it("a reference with a path in it is refused", async () => {
    await expect(fixture.engine.images.inspect("../../containers/json?x=")).rejects.toMatchObject({ status: 400 });
  });

  it("remove: refused while a container needs it", async () => {
    await fixture.run(undefined, { Image: image });
    const { Id } = await fixture.engine.images.inspect(image);
    await expect(fixture.engine.images.remove(Id)).rejects.toMatchObject({ name: "EngineError", status: 409 });
  });

  it("import: an image of a file system, with a history", async () => {
    const name = named("imported");
    const [repo = "", tag = ""] = name.split(":");
    const tar = packTar([{ name: "hello", type: "file", bytes: Buffer.from("hello") }]);
    const options = { repo, tag, message: "by hand", changes: ['CMD ["/hello"]'] };
    const rows = await rowsOf(await fixture.engine.transfers.import(options, bytesOf(tar)));
    expect(rows.at(-1)?.status).toMatch(/^sha256:[0-9a-f]{64}$/);
    const [layer] = await fixture.engine.images.history(name);
    expect(layer?.Tags).toEqual([name]);
  });

  it("import: something that is no tar fails", async () => {
    const call = async () => rowsOf(await fixture.engine.transfers.import({ repo: "never" }, bytesOf("x".repeat(2_000))));
    await expect(call()).rejects.toThrow();
  });

  it("save and load: away and back", async () => {
    const { images, transfers } = fixture.engine;
    const name = named("saved");
    await tagged(name);
    const saved = Buffer.concat(await (await transfers.save([name])).toArray());
    await images.remove(name);
    const rows = await rowsOf(await transfers.load(bytesOf(saved)));
    expect(rows.map(({ stream }) => stream).join("")).toContain(`Loaded image: ${name}`);
    expect((await images.inspect(name)).Id).toBe((await images.inspect(image)).Id);
  });

  it("build: an image of a Dockerfile; progress as it goes", async () => {
    const name = named("built");
    const Dockerfile = Buffer.from(`FROM ${image}\nLABEL built=yes\nCMD ["echo", "built"]\n`);
    const context = packTar([{ name: "Dockerfile", type: "file", bytes: Dockerfile }]);
    const rows = await rowsOf(await fixture.engine.transfers.build({ query: { t: name } }, bytesOf(context)));
    const text = rows.map(({ stream }) => stream ?? "").join("");
    expect(text).toContain("Step 1/3");
    expect(text).toContain(`Successfully tagged ${name}`);
    const { id } = await fixture.create([], { Image: name, Cmd: null, Tty: true });
    await fixture.engine.runs.start(id);
    await fixture.engine.runs.wait(id);
    expect((await textOf(await fixture.engine.streams.logs(id))).trim()).toBe("built");
  });

  it("build: one that fails on its way says so out of its rows", async () => {
    const context = packTar([{ name: "Dockerfile", type: "file", bytes: Buffer.from(`FROM ${image}\nRUN exit 7\n`) }]);
    const build = async () => rowsOf(await fixture.engine.transfers.build({ query: {} }, bytesOf(context)));
    await expect(build()).rejects.toMatchObject({
      name: "TransferFailedError",
      message: expect.stringContaining("non-zero code: 7"),
    });
  });

  it("pull: of a registry that is not there fails", async () => {
    const pull = async () => rowsOf(await fixture.engine.transfers.pull({ reference: "127.0.0.1:1/none:1" }));
    await expect(pull()).rejects.toThrow(/127\.0\.0\.1:1/);
  });

  it("push and pull: through a registry; both tell of progress, and the digest is known", async ({ skip }) => {
    if (fixture.registry === undefined) return skip("no registry");
    const { images, transfers } = fixture.engine;
    const name = `${fixture.registry}/${named("pushed")}`;
    made.push(name);
    await tagged(name);
    const pushed = await rowsOf(await transfers.push({ reference: name }));
    const digest = /digest: (sha256:[0-9a-f]{64})/.exec(pushed.map(({ status }) => status).join("\n"))?.[1];
    expect(digest).toBeDefined();
    await images.remove(name);
    const pulled = await rowsOf(await transfers.pull({ reference: name }));
    expect(pulled.map(({ status }) => status)).toContain(`Digest: ${digest}`);
    expect((await images.inspect(name)).RepoDigests).toContain(`${name.slice(0, name.lastIndexOf(":"))}@${digest}`);
  });

  it("pull: an image that the registry has not is refused in its words", async ({ skip }) => {
    if (fixture.registry === undefined) return skip("no registry");
    const pull = async () => rowsOf(await fixture.engine.transfers.pull({ reference: `${fixture.registry}/none:1` }));
    await expect(pull()).rejects.toThrow(/manifest for \S+\/none:1 not found/);
  });
}
