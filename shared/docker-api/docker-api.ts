/**
 * The Docker Engine API in front of fleets, at `/clusters/<name>/docker[/v1.NN]/…`. It asks who calls before anything else, and says the
 * same to whoever may not, whatever there is; every error is an answer in Docker's words. routes.ts says what is served and how.
 */
import { type Authenticator, allowed, isExpired, type Principal } from "../access/access.ts";
import type { Clock } from "../base/clock.ts";
import type { Logger } from "../base/logger.ts";
import { Routes } from "../http/router.ts";
import { whole } from "./buffered.ts";
import type { Call, Front, Looker, ServedFleet, Transport } from "./call.ts";
import { DockerError, pageNotFound } from "./errors.ts";
import { Listeners } from "./events/listeners.ts";
import { NameMemory } from "./events/name-memory.ts";
import type { DockerAnswer, DockerRequest, DockerUpgrade } from "./exchange.ts";
import { Lifetime } from "./lifetime.ts";
import { type Place, placeOf, urlLengthMax } from "./paths.ts";
import { type Route, type RouteRow, verbOf } from "./route.ts";
import { routeRows } from "./routes.ts";
import { failureAnswer, failureOf } from "./status.ts";
import { checkVersion, NodeVersions, newestVersion } from "./versions.ts";

export type DockerApiOptions = {
  /** The fleet of a cluster by the cluster's name; undefined: there is none of that name. */
  readonly fleets: (cluster: string) => Promise<ServedFleet | undefined>;
  readonly authenticator: Authenticator;
  readonly transport: Transport;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Windlass's own version. */
  readonly release: string;
};

export class DockerApi {
  /** All routes, for whoever walks them. */
  readonly routes: readonly RouteRow[] = routeRows;
  readonly #options: DockerApiOptions;
  readonly #front: Front;
  readonly #routes = new Routes<Route>();

  constructor(options: DockerApiOptions) {
    this.#options = options;
    this.#front = { ...options, versions: new NodeVersions(options.clock), listeners: new Listeners(), names: new NameMemory() };
    for (const row of routeRows) this.#routes.add(row.method, row.path, row);
  }

  /** Never rejects. The body of the answer is to be read at the client's pace, and destroyed when the client leaves. */
  async handle(request: DockerRequest): Promise<DockerAnswer> {
    const answer = await this.#settled(request, async ({ call, route, lifetime }) => {
      const answer = await (route?.handle(call) ?? notThere());
      lifetime.endWith(answer);
      return this.#options.transport === "buffer" ? await whole(call, answer) : answer;
    });
    return this.#signed(answer);
  }

  /** As `handle`, for a request that asks to leave HTTP. `request.body` is what its head announces, no more. */
  async upgrade(request: DockerRequest): Promise<DockerUpgrade> {
    const answered = (answer: DockerAnswer): DockerUpgrade => ({ kind: "answered", answer: this.#signed(answer) });
    const outcome = await this.#settled(request, async ({ call, route, lifetime }): Promise<DockerUpgrade | DockerAnswer> => {
      if (route?.upgrade === undefined) {
        const answer = await (route?.handle(call) ?? notThere());
        lifetime.endWith(answer);
        return answer;
      }
      const upgrade = await route.upgrade(call);
      if (upgrade.kind === "upgraded") upgrade.connection.once("close", () => lifetime.end());
      else lifetime.endWith(upgrade.answer);
      return upgrade;
    });
    if (!("kind" in outcome)) return answered(outcome);
    return outcome.kind === "answered" ? answered(outcome.answer) : outcome;
  }

  async #settled<T>(request: DockerRequest, work: (found: Found) => Promise<T>): Promise<T | DockerAnswer> {
    let lifetime: Lifetime | undefined;
    try {
      const place = placeOf(request.url, request.header("windlass-cluster"));
      const principal = await this.#authenticate(request);
      lifetime = new Lifetime(this.#options.clock, principal, request.signal);
      return await work({ ...(await this.#found(request, { place, principal, signal: lifetime.signal })), lifetime });
    } catch (error) {
      lifetime?.end();
      return this.#failure(request, error);
    }
  }

  async #authenticate(request: DockerRequest): Promise<Principal> {
    const { authenticator, clock, logger } = this.#options;
    let principal: Principal | undefined;
    try {
      principal = await authenticator.authenticate(request.header("authorization"));
    } catch (error) {
      logger.log("error", "the authenticator can't tell who asks", { error });
      throw new DockerError(503, "who asks can't be found out now", { "retry-after": "1" });
    }
    if (principal === undefined || isExpired(principal, clock.now())) throw unauthorized(request);
    return principal;
  }

  async #found(
    request: DockerRequest,
    {
      place,
      principal,
      signal,
    }: { readonly place: Place | undefined; readonly principal: Principal; readonly signal: AbortSignal },
  ): Promise<Pick<Found, "call" | "route">> {
    if (place === undefined) throw pageNotFound();
    if (request.url.length > urlLengthMax)
      throw new DockerError(414, `the URL has ${request.url.length} characters; at most ${urlLengthMax}`);
    const found = this.#routes.find(request.method, decodedPath(place.path));
    const served = await this.#options.fleets(place.cluster);
    const ground = served?.fleet.ground;
    if (!allowed(principal, ground?.store.uid, verbOf[found?.handler.right ?? "read"]))
      throw forbidden(principal, request, place);
    if (served === undefined || ground === undefined)
      throw new DockerError(404, `cluster ${JSON.stringify(place.cluster)} not found`);
    const { version = newestVersion } = place;
    checkVersion(version);
    const { query } = place;
    const params = found?.params ?? {};
    const { fleet, agents } = served;
    const look: Looker["look"] = async (nodeName, containerId) => agents?.look(nodeName, containerId);
    const call = { front: this.#front, fleet, ground, look, request, principal, place, version, params, query, signal };
    return { call, route: found?.handler };
  }

  #failure({ method, url, signal }: DockerRequest, error: unknown): DockerAnswer {
    const failure = failureOf(error);
    const path = url.split("?", 1)[0];
    if (failure.isFault && !signal.aborted) this.#options.logger.log("error", "a Docker request failed", { method, path, error });
    return failureAnswer(failure);
  }

  /** What Docker puts on every answer. */
  #signed(answer: DockerAnswer): DockerAnswer {
    const own = {
      "api-version": newestVersion,
      "docker-experimental": "false",
      ostype: "linux",
      server: `Windlass/${this.#options.release} (linux)`,
    };
    return { ...answer, headers: { ...own, ...answer.headers } };
  }
}

type Found = { readonly call: Call; readonly route: Route | undefined; readonly lifetime: Lifetime };

const noToken =
  "Unauthorized: no token was sent; docker sends the one of DOCKER_CONFIG, buildx sends none: set DOCKER_BUILDKIT=0";

function unauthorized(request: DockerRequest): DockerError {
  const message = request.header("authorization") === undefined ? noToken : "Unauthorized";
  return new DockerError(401, message, { "www-authenticate": 'Bearer realm="windlass"' });
}

/** It repeats what was asked and tells nothing else. */
const forbidden = ({ name }: Principal, { method }: DockerRequest, { path }: Place): DockerError =>
  new DockerError(403, `forbidden: user ${JSON.stringify(name)} may not ${method} ${path}`);

function notThere(): never {
  throw pageNotFound();
}

/** Percent signs are for the router to decode, part by part, but for slashes of an image's name that a client has escaped. */
const decodedPath = (path: string): string => (path.length > 1 ? path.replace(/\/$/, "") : path).replaceAll(/%2f/gi, "/");
