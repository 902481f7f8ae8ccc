/** The real docker CLI on two real engines behind the Docker API: each command that people know, one after the other. */

import { once } from "node:events";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { request as httpRequest, type IncomingMessage } from "node:http";
import type { Socket } from "node:net";
import path from "node:path";
import { text as textOf } from "node:stream/consumers";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { openDockerEngine } from "../../shared/fleet/docker/open.ts";
import { type Front, openFront } from "../docker-api/front-host.ts";
import { freePort } from "../free-port.ts";
import { DockerCli, hasDockerCli } from "./docker-cli.ts";
import { RealEngine } from "./real-engine.ts";
import { Registry } from "./registry.ts";
import { canStartEngines } from "./requirements.ts";

describe.skipIf(!canStartEngines() || !hasDockerCli())("docker on a fleet", () => {
  let engines: readonly RealEngine[] = [];
  let registry: Registry;
  let front: Front;
  let docker: DockerCli;
  beforeAll(async () => {
    registry = await Registry.start();
    engines = await Promise.all([RealEngine.start(), RealEngine.start()]);
    const nodes = Object.fromEntries(engines.map(({ address }, place) => [`node-${"ab"[place]}`, address]));
    front = await openFront({ nodes, open: openDockerEngine, run: true });
    docker = await DockerCli.open(front.host, "admin");
    await vi.waitFor(async () => expect(await docker.run("info")).toContain("└ Status: Healthy"), { timeout: 30_000 });
    await vi.waitFor(async () => expect((await docker.run("info")).match(/Healthy/g)).toHaveLength(2), { timeout: 30_000 });
  });
  afterAll(async () => {
    await docker?.[Symbol.asyncDispose]();
    await front?.close();
    await Promise.all([...engines.map((engine) => engine.stop()), registry?.stop()]);
  });

  const sleeper = ["busybox", "sh", "-c", "echo started; trap 'exit 0' TERM; while :; do sleep 1; done"];
  const names = async (...words: string[]): Promise<string[]> =>
    (await docker.run("ps", "--format", "{{.Names}}", ...words))
      .split("\n")
      .filter((name) => name !== "")
      .map((name) => name.replace(/^node-[ab]\//, ""));
  async function withContainer<T>(name: string, act: () => Promise<T>, ...options: string[]): Promise<T> {
    await docker.run("run", "-d", "--name", name, ...options, ...sleeper);
    try {
      return await act();
    } finally {
      await docker.run("rm", "-f", name);
    }
  }

  /** Dockerds share one machine's iptables: while another begins or ends, the chains are gone for a moment. Anything else fails at once. */
  async function withChains(...words: string[]): Promise<string> {
    const once = async (): Promise<{ readonly out: string } | undefined> => {
      const { code, out, err } = await docker.try(words);
      if (code !== 0 && /iptables/i.test(err)) return undefined;
      expect([words, code, err]).toEqual([words, 0, expect.any(String)]);
      return { out: out.trim() };
    };
    return (await vi.waitUntil(once, { timeout: 30_000, interval: 500 })).out;
  }

  it("version and info", async () => {
    expect(await docker.run("version")).toMatch(
      /API version: +1\.51 \(minimum version 1\.41\)[\s\S]*Node Engine:[\s\S]*Nodes: +2/,
    );
    expect(await docker.run("info")).toMatch(/Nodes: 2\n +node-a: 127\.0\.0\.1:\d+/);
  });

  it("run: output, input, exit codes, --rm", async () => {
    expect(await docker.run("run", "--rm", "busybox", "echo", "hello")).toBe("hello");
    expect(await docker.feed("from stdin\n", "run", "-i", "--rm", "busybox", "cat")).toBe("from stdin");
    expect((await docker.try(["run", "--rm", "busybox", "sh", "-c", "exit 7"])).code).toBe(7);
    const { err } = await docker.try(["run", "--rm", "busybox", "sh", "-c", "echo to stderr >&2"]);
    expect(err.trim()).toBe("to stderr");
    await vi.waitFor(async () => expect(await names("-a")).toEqual([]));
  });

  it("run -it: in a terminal", async () => {
    const child = docker.startInTerminal(["run", "-it", "--rm", "busybox", "sh"]);
    const text = textOf(child.stdout);
    child.stdin.write("test -t 0 && echo is-a-$((40 + 2))-terminal; exit\n");
    expect(await text).toContain("is-a-42-terminal");
  });

  it("ps: of both nodes, with filters, under the cluster's names", async () => {
    await withContainer("one", () =>
      withContainer(
        "two",
        async () => {
          expect((await names()).sort()).toEqual(["one", "two"]);
          expect(await names("--filter", "name=^/one$")).toEqual(["one"]);
          expect(await names("--filter", "label=tier=front")).toEqual(["two"]);
          expect(await names("--filter", "node=node-b")).toEqual(["two"]);
          await docker.run("stop", "-t", "1", "one");
          expect(await names()).toEqual(["two"]);
          expect(await docker.run("ps", "-a", "--filter", "status=exited", "--format", "{{.Names}} {{.Status}}")).toMatch(
            /^node-a\/one Exited \(\d+\) .* ago$/,
          );
        },
        ...["--label", "tier=front", "-e", "constraint:node==node-b"],
      ),
    );
  });

  it("logs, logs -f until the end, attach", async () => {
    await withContainer("talker", async () => {
      expect(await docker.run("logs", "talker")).toBe("started");
      const following = docker.start(["logs", "-f", "talker"]);
      const text = textOf(following.stdout);
      const attached = docker.start(["attach", "--no-stdin", "--sig-proxy=false", "talker"]);
      const ended = new Promise((resolve) => attached.on("close", resolve));
      await vi.waitFor(async () => expect(await docker.run("logs", "--tail", "1", "talker")).toBe("started"));
      await docker.run("stop", "-t", "5", "talker");
      expect((await text).trim()).toBe("started");
      await ended;
    });
  });

  it("exec, exec -i, exec -it and their exit codes", async () => {
    await withContainer("worker", async () => {
      expect(await docker.run("exec", "worker", "echo", "inside")).toBe("inside");
      expect(await docker.feed("piped\n", "exec", "-i", "worker", "cat")).toBe("piped");
      expect((await docker.try(["exec", "worker", "sh", "-c", "exit 3"])).code).toBe(3);
      const child = docker.startInTerminal(["exec", "-it", "worker", "sh"]);
      const text = textOf(child.stdout);
      child.stdin.write("test -t 0 && echo is-a-$((40 + 2))-terminal; exit\n");
      expect(await text).toContain("is-a-42-terminal");
      expect(await docker.run("exec", "-d", "worker", "sh", "-c", "echo > /tmp/made")).toBe("");
      await vi.waitFor(async () => expect(await docker.run("exec", "worker", "ls", "/tmp")).toBe("made"));
    });
  });

  it("cp both ways, diff, export", async () => {
    await withContainer("files", async () => {
      const there = path.join(docker.folder, "there");
      const back = path.join(docker.folder, "back");
      await writeFile(there, "carried");
      await docker.run("cp", there, "files:/tmp/there");
      await docker.run("cp", "files:/tmp/there", back);
      expect(await readFile(back, "utf8")).toBe("carried");
      expect(await docker.run("diff", "files")).toContain("A /tmp/there");
      const tar = path.join(docker.folder, "all.tar");
      await docker.run("export", "-o", tar, "files");
      expect((await readFile(tar)).includes("tmp/there")).toBe(true);
      const none = await docker.try(["cp", "files:/absent", back]);
      expect([none.code, none.err]).toEqual([1, expect.stringContaining("Could not find the file /absent")]);
    });
  });

  it("inspect, top, stats, port, rename, pause, restart, update, kill, wait", async () => {
    const port = await freePort();
    await docker.run("run", "-d", "--name", "site", "-p", `${port}:80`, ...sleeper);
    const shown = JSON.parse(await docker.run("inspect", "site")) as readonly [
      { readonly Name: string; readonly Node: { readonly Name: string }; readonly NetworkSettings: { readonly Ports: object } },
    ];
    expect(shown[0].Name).toBe("/site");
    expect(shown[0].Node.Name).toMatch(/^node-[ab]$/);
    expect(JSON.stringify(shown[0].NetworkSettings.Ports)).toContain(`"HostIp":"127.0.0.1","HostPort":"${port}"`);
    expect(await docker.run("port", "site")).toContain(`80/tcp -> 127.0.0.1:${port}`);
    expect(await docker.run("ps", "--format", "{{.Ports}}")).toContain(`${port}->80/tcp`);
    expect(await docker.run("top", "site")).toContain("sleep 1");
    expect(await docker.run("stats", "--no-stream", "--format", "{{.Name}}", "site")).toBe("site");
    await docker.run("rename", "site", "place");
    expect(await names()).toEqual(["place"]);
    await docker.run("pause", "place");
    expect(await docker.run("ps", "--format", "{{.Status}}")).toMatch(/\(Paused\)$/);
    await docker.run("unpause", "place");
    await docker.run("restart", "-t", "1", "place");
    await docker.run("update", "--restart", "no", "place");
    const waiting = docker.run("wait", "place");
    await docker.run("kill", "place");
    expect(await waiting).toBe("137");
    expect(await docker.run("rm", "place")).toBe("place");
    expect(await names("-a")).toEqual([]);
    const nobody = await docker.try(["inspect", "nobody"]);
    expect([nobody.code, nobody.err]).toEqual([1, expect.stringMatching(/no such object: nobody/i)]);
  });

  it("a name is the cluster's, whatever the node", async () => {
    await withContainer(
      "taken",
      async () => {
        const again = await docker.try(["create", "--name", "taken", "-e", "constraint:node==node-b", "busybox"]);
        expect([again.code, again.err]).toEqual([1, expect.stringContaining('The container name "/taken" is already in use')]);
      },
      ...["-e", "constraint:node==node-a"],
    );
  });

  it("commit, tag, push, pull on all nodes, run of what only the registry has, rmi", async () => {
    await withContainer("source", async () => {
      await docker.run("exec", "source", "sh", "-c", "echo kept > /tmp/kept");
      expect(await docker.run("commit", "source", "kept:1")).toMatch(/^sha256:/);
    });
    expect(await docker.run("run", "--rm", "kept:1", "cat", "/tmp/kept")).toBe("kept");
    const name = `${registry.host}/kept:1`;
    await docker.run("tag", "kept:1", name);
    expect(await docker.run("push", name)).toMatch(/1: digest: sha256:/);
    await docker.run("rmi", name, "kept:1");
    expect(await docker.run("images", "-q", name)).toBe("");
    const { out, err } = await docker.try(["run", "--rm", name, "cat", "/tmp/kept"]);
    expect([out.trim(), err]).toEqual(["kept", expect.stringContaining("Unable to find image")]);
    expect(await docker.run("pull", name)).toMatch(/node-a: Status: [\s\S]*|node-b: Status: /);
    expect(await docker.run("images", "--format", "{{.Repository}}:{{.Tag}}", name)).toContain(name);
    expect(await docker.run("history", "-q", name)).not.toBe("");
    expect(await docker.run("image", "inspect", name, "--format", "{{.Node.Name}}")).toMatch(/^node-[ab]$/);
    await docker.run("rmi", name);
    const absent = await docker.try(["run", "--rm", `${registry.host}/absent:1`]);
    expect([absent.code, absent.err]).toEqual([125, expect.stringMatching(/manifest unknown|not found/)]);
  });

  it("save, load and import", async () => {
    const tar = path.join(docker.folder, "busybox.tar");
    await docker.run("save", "-o", tar, "busybox");
    expect(await docker.run("load", "-i", tar)).toMatch(/node-a: Loaded image: busybox:latest/);
    await withContainer("root", () => docker.run("export", "-o", `${tar}.fs`, "root"));
    expect(await docker.run("import", `${tar}.fs`, "imported:1")).toMatch(/^sha256:/);
    expect(await docker.run("run", "--rm", "imported:1", "/bin/echo", "from import")).toBe("from import");
    await docker.run("rmi", "imported:1");
  });

  it("build with the classic builder; a step that fails is the CLI's exit code", async () => {
    const folder = path.join(docker.folder, "context");
    await mkdir(folder);
    await writeFile(path.join(folder, "Dockerfile"), 'FROM busybox\nRUN echo built > /tmp/built\nCMD ["cat", "/tmp/built"]\n');
    expect(await docker.run("build", "-t", "built:1", folder)).toContain("Successfully tagged built:1");
    expect(await docker.run("run", "--rm", "built:1")).toBe("built");
    await docker.run("build", "-t", "placed:1", "--build-arg", "constraint:node==node-b", folder);
    expect(await docker.run("image", "inspect", "placed:1", "--format", "{{.Node.Name}}")).toBe("node-b");
    await writeFile(path.join(folder, "Dockerfile"), "FROM busybox\nRUN exit 5\n");
    const failed = await docker.try(["build", folder]);
    expect([failed.code, failed.err]).toEqual([5, expect.stringContaining("returned a non-zero code: 5")]);
    await docker.run("rmi", "built:1", "placed:1");
  });

  it("BuildKit's connections reach a node's builder", async () => {
    for (const place of ["/session", "/grpc"]) {
      const headers = {
        authorization: "Bearer admin",
        connection: "Upgrade",
        upgrade: "h2c",
        "x-docker-expose-session-uuid": "u1",
      };
      const request = httpRequest(new URL(place, front.url), { method: "POST", agent: false, headers }).end();
      const [response, socket] = (await once(request, "upgrade")) as [IncomingMessage, Socket];
      expect([response.statusCode, response.headers.upgrade]).toEqual([101, "h2c"]);
      socket.destroy();
    }
  });

  it("networks and volumes: containers go where theirs are, and find each other by their names", async () => {
    await withChains("network", "create", "front");
    expect(await docker.run("network", "ls", "--format", "{{.Name}}", "--filter", "name=front")).toBe("front");
    const id = await docker.run("network", "inspect", "front", "--format", "{{.Id}}");
    expect(await docker.run("network", "inspect", id.slice(0, 12), "--format", "{{.Name}} {{.Nodes}}")).toBe(
      "front [node-a node-b]",
    );
    expect(await withChains("run", "--rm", "--network", "front", "busybox", "echo", "joined")).toBe("joined");
    expect(await withChains("run", "--rm", "--network", "node-b/front", "busybox", "echo", "joined")).toBe("joined");
    await withContainer("member", async () => {
      await docker.run("network", "connect", "front", "member");
      expect(await names("--filter", "network=front")).toEqual(["member"]);
      await docker.run("network", "disconnect", "front", "member");
    });
    await docker.run("create", "--name", "named", "--network", "front", "busybox", "sleep", "3600");
    try {
      await withChains("start", "named");
      const near = ["run", "--rm", "--network", "front", "busybox", "busybox", "nslookup", "named"];
      for (let time = 0; time < 3; time += 1) expect(await withChains(...near)).toContain("named");
    } finally {
      await docker.run("rm", "-f", "named");
    }
    await docker.run("network", "rm", "front");
    await docker.run("volume", "create", "node-b/data");
    expect(await docker.run("volume", "ls", "-q")).toBe("node-b/data");
    const withData = (...command: readonly string[]) => docker.run("run", "--rm", "-v", "data:/data", "busybox", ...command);
    await withData("sh", "-c", "echo x > /data/x");
    for (let time = 0; time < 3; time += 1) expect(await withData("cat", "/data/x")).toBe("x");
    await docker.run("volume", "rm", "node-b/data");
    expect(await docker.run("volume", "ls", "-q")).toBe("");
  });

  it("beside another: its network, its volumes", async () => {
    await withContainer("host", async () => {
      expect(await docker.run("run", "--rm", "--network", "container:host", "busybox", "echo", "shared")).toBe("shared");
    });
  });

  it("events of both nodes, up to now", async () => {
    const since = String(Math.floor(Date.now() / 1_000) - 1);
    await docker.run("run", "--rm", "--name", "seen-a", "-e", "constraint:node==node-a", "busybox", "true");
    await docker.run("run", "--rm", "--name", "seen-b", "-e", "constraint:node==node-b", "busybox", "true");
    const format = '{{.Action}} {{index .Actor.Attributes "name"}} {{index .Actor.Attributes "node.name"}}';
    const until = String(Math.ceil(Date.now() / 1_000));
    const told = await docker.run("events", "--since", since, "--until", until, "--filter", "event=start", "--format", format);
    expect(told.split("\n")).toEqual(expect.arrayContaining(["start seen-a node-a", "start seen-b node-b"]));
  });

  it("system df, prune", async () => {
    expect(await docker.run("system", "df")).toMatch(/Images +\d+/);
    await docker.run("create", "--name", "idle", "busybox");
    expect(await docker.run("container", "prune", "-f")).toContain("Deleted Containers");
    expect(await names("-a")).toEqual([]);
    for (const what of ["network", "volume", "image", "system"]) await docker.run(what, "prune", "-f");
  });

  it("a viewer may look and not change", async () => {
    await using viewer = await DockerCli.open(front.host, "viewer");
    expect(await viewer.run("ps", "-q")).toBe("");
    const refused = await viewer.try(["run", "--rm", "busybox", "true"]);
    expect([refused.code, refused.err]).toEqual([125, expect.stringContaining('forbidden: user "viewer" may not POST')]);
    await using stranger = await DockerCli.open(front.host, "nobody");
    const unknown = await stranger.try(["ps"]);
    expect([unknown.code, unknown.err]).toEqual([1, expect.stringContaining("Unauthorized")]);
  });

  it("swarm mode is said not to be there", async () => {
    const { code, err } = await docker.try(["service", "ls"]);
    expect([code, err]).toEqual([1, expect.stringContaining("This node is not a swarm manager")]);
  });

  it("an engine that is killed is named, and what was known of its containers is shown", async () => {
    await docker.run("run", "-d", "--name", "stranded", "-e", "constraint:node==node-b", ...sleeper);
    await engines[1]?.kill();
    const { code, err } = await docker.try(["logs", "stranded"]);
    expect([code, err]).toEqual([1, expect.stringContaining("node node-b: engine tcp://127.0.0.1:")]);
    expect(await docker.run("ps", "-a", "--format", "{{.Names}}")).toBe("node-b/stranded");
    await engines[1]?.run();
    await vi.waitFor(async () => expect(await docker.run("exec", "stranded", "echo", "x").catch(() => "")).toMatch(/^x?$/), {
      timeout: 30_000,
    });
    await vi.waitFor(() => docker.run("rm", "-f", "stranded"), { timeout: 30_000 });
  });
});
