/**
 * Versions of the Docker API: those that clients may name, and which one each node is spoken to with. A node is asked for its own at
 * most once in `knownMs`; one that refuses a version is asked anew.
 */
import type { Clock } from "../base/clock.ts";
import type { Engine } from "../fleet/engine.ts";
import { DockerError } from "./errors.ts";

export const oldestVersion = "1.41";
/** What this room was written against: Docker Engine 28.3. */
export const newestVersion = "1.51";

type Range = { readonly oldest: string; readonly newest: string };
type Known = { readonly range: Promise<Range>; readonly untilMs: number };

/** An engine that was upgraded in place is spoken to in its new version after so long. */
const knownMs = 5 * 60_000;
const askMs = 10_000;

/** @throws DockerError 400 in Docker's words. */
export function checkVersion(version: string): void {
  if (compareVersions(version, oldestVersion) < 0) {
    const advice = "please upgrade your client to a newer version";
    throw new DockerError(
      400,
      `client version ${version} is too old. Minimum supported API version is ${oldestVersion}, ${advice}`,
    );
  }
  if (compareVersions(version, newestVersion) > 0) {
    throw new DockerError(400, `client version ${version} is too new. Maximum supported API version is ${newestVersion}`);
  }
}

/** Below 0: `one` is older. */
export function compareVersions(one: string, other: string): number {
  const [oneMajor = 0, oneMinor = 0] = one.split(".").map(Number);
  const [otherMajor = 0, otherMinor = 0] = other.split(".").map(Number);
  return oneMajor - otherMajor || oneMinor - otherMinor;
}

export const isBelow = (one: string, other: string): boolean => compareVersions(one, other) < 0;

export class NodeVersions {
  readonly #clock: Clock;
  /** By engine: a node that moves or changes its keys gets another one. */
  readonly #known = new WeakMap<Engine, Known>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** The version to speak to `engine` with, for a client of `wanted`: that one, or the nearest that the engine knows. */
  async for(engine: Engine, wanted: string, signal?: AbortSignal): Promise<string> {
    const { oldest, newest } = await this.#rangeOf(engine, signal);
    if (compareVersions(wanted, newest) > 0) return newest;
    return isBelow(wanted, oldest) ? oldest : wanted;
  }

  /** It refused a version that was thought good. */
  forget(engine: Engine): void {
    this.#known.delete(engine);
  }

  #rangeOf(engine: Engine, signal: AbortSignal | undefined): Promise<Range> {
    const known = this.#known.get(engine);
    if (known !== undefined && this.#clock.monotonic() < known.untilMs) return known.range;
    // Callers that come together share the question, so it must not end with the first one's signal.
    const range = engine.system
      .version({ timeoutMs: askMs })
      .then(({ ApiVersion, MinAPIVersion }) => ({ oldest: MinAPIVersion, newest: ApiVersion }));
    this.#known.set(engine, { range, untilMs: this.#clock.monotonic() + knownMs });
    range.catch(() => this.#known.delete(engine));
    signal?.throwIfAborted();
    return range;
  }
}
