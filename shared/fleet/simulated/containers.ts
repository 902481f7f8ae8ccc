/** EngineContainers and EngineRuns of a simulated engine. */
import type { JsonObject } from "../../base/json.ts";
import type { EngineContainers } from "../engine/containers.ts";
import type { EngineRuns } from "../engine/runs.ts";
import { EngineError } from "../engine-errors.ts";
import type { SimulatedContainer } from "./container.ts";
import type { Faults } from "./faults.ts";
import { matchesLabels } from "./filters.ts";
import type { World } from "./world.ts";

export function simulatedContainers(world: World, faults: Faults): EngineContainers {
  return {
    create: ({ name, body }, call = {}) =>
      faults.pass("container create", call, () => ({ Id: world.create(name, body).id, Warnings: [] })),
    inspect: (id, _options, call = {}) => faults.pass("container inspect", call, () => world.container(id).details()),
    list: ({ all = false, limit = 0, filters = {} } = {}, call = {}) =>
      faults.pass("container list", call, () => {
        const wanted = [...world.containers.values()].reverse().filter((one) => {
          if (!all && limit === 0 && filters["status"] === undefined && !one.isRunning) return false;
          return matches(one, filters);
        });
        return (limit > 0 ? wanted.slice(0, limit) : wanted).map((one) => one.summary());
      }),
    remove: (id, { force = false } = {}, call = {}) =>
      faults.pass("container remove", call, () => {
        const container = world.container(id);
        if (container.isRunning && !force) {
          const advice = "Stop the container before attempting removal or force remove";
          throw new EngineError(409, `You cannot remove a running container ${container.id}. ${advice}`);
        }
        world.remove(container);
      }),
    rename: (id, name, call = {}) =>
      faults.pass("container rename", call, () => {
        const container = world.container(id);
        world.refuseName(name);
        container.name = name;
      }),
    update: (id, body, call = {}) =>
      faults.pass("container update", call, (): JsonObject => {
        const container = world.container(id);
        container.hostConfig = { ...container.hostConfig, ...body };
        return { Warnings: [] };
      }),
    changes: (id, call = {}) => faults.pass("container changes", call, () => world.container(id).files.changes()),
    commit: (id, { repo, tag = "latest", changes = "" } = {}, call = {}) =>
      faults.pass("container commit", call, () => {
        const container = world.container(id);
        const Id = `sha256:${world.newId(64)}`;
        world.addImage({
          ...world.image(container.imageId),
          id: Id,
          tags: new Set(repo === undefined ? [] : [`${repo}:${tag}`]),
          digests: new Set(),
          createdMs: world.clock.now(),
          files: new Map(container.files.all()),
          history: [changes, ...world.image(container.imageId).history],
        });
        return { Id };
      }),
  };
}

export function simulatedRuns(world: World, faults: Faults): EngineRuns {
  return {
    start: (id, call = {}) =>
      faults.pass("container start", call, () => {
        const container = world.container(id);
        if (!container.isRunning) world.enter(container);
        container.start();
      }),
    stop: (id, options = {}, call = {}) => faults.pass("container stop", call, () => world.container(id).stop(options)),
    restart: (id, options = {}, call = {}) =>
      faults.pass("container restart", call, async () => {
        const container = world.container(id);
        await container.stop(options);
        container.start();
      }),
    kill: (id, signal = "SIGKILL", call = {}) => faults.pass("container kill", call, () => world.container(id).kill(signal)),
    pause: (id, call = {}) => faults.pass("container pause", call, () => world.container(id).pause(true)),
    unpause: (id, call = {}) => faults.pass("container unpause", call, () => world.container(id).pause(false)),
    wait: async (id, condition = "not-running", call = {}) => {
      // The time-out holds until it waits, as with the engine's early head; the signal and cut connections end it after that, too.
      const container = await faults.pass("container wait", call, () => world.container(id));
      const isOver = condition === "not-running" && !container.isRunning;
      const end = condition === "removed" ? container.untilRemoved() : container.untilExit();
      await left(isOver ? Promise.resolve() : end, call.signal, faults);
      return { StatusCode: container.exitCode };
    },
    top: (id, _psArgs, call = {}) =>
      faults.pass("container top", call, () => {
        const container = world.container(id);
        container.mustRun();
        return { Titles: ["UID", "PID", "CMD"], Processes: [["root", "1001", container.command.join(" ")]] };
      }),
  };
}

async function left(end: Promise<void>, signal: AbortSignal | undefined, faults: Faults): Promise<void> {
  const { promise: gone, reject } = Promise.withResolvers<never>();
  const leave = () => reject(signal?.reason);
  const release = faults.hold(reject);
  if (signal?.aborted) leave();
  signal?.addEventListener("abort", leave, { once: true });
  try {
    await Promise.race([end, gone]);
  } finally {
    release();
    signal?.removeEventListener("abort", leave);
  }
}

function matches(container: SimulatedContainer, filters: Readonly<Record<string, readonly string[]>>): boolean {
  const { label = [], status, name, id } = filters;
  return (
    matchesLabels(container.labels, label) &&
    (status === undefined || status.includes(container.state)) &&
    (name === undefined || name.some((part) => container.name.includes(part.replace(/^[/^]+|\$$/g, "")))) &&
    (id === undefined || id.some((start) => container.id.startsWith(start)))
  );
}
