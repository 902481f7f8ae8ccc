/**
 * EngineRaw of a simulated engine: a table of the Docker API's routes, each answered by the port's own method, so that what passes
 * through and what is called tell the same. Versions are taken and not looked at.
 */
import { Readable } from "node:stream";
import { type JsonObject, objectOf } from "../../base/json.ts";
import type { Filters } from "../engine/call.ts";
import type { EngineNetworks } from "../engine/networks.ts";
import type { EngineRaw, RawAnswer, RawRequest } from "../engine/raw.ts";
import type { Engine } from "../engine.ts";
import { EngineError } from "../engine-errors.ts";
import { matchesLabels } from "./filters.ts";
import { bytesOf, gather } from "./streams.ts";

type Query = URLSearchParams;
type Asked = { readonly id: string; readonly query: Query; readonly request: RawRequest };
/** JSON, bytes as they come, or nothing; and its status where it is not 200 or 204. */
type Outcome = { readonly json?: unknown; readonly stream?: Readable; readonly status?: number; readonly headers?: object };
type Route = readonly [method: string, path: RegExp, answer: (engine: Engine, asked: Asked) => Promise<Outcome>];

const json = (value: unknown, status = 200): Outcome => ({ json: value, status });
const nothing: Outcome = {};
const filtersOf = (query: Query): Filters => JSON.parse(query.get("filters") ?? "{}") as Filters;
const isOn = (query: Query, name: string): boolean => ["1", "true", "True"].includes(query.get(name) ?? "");
const bodyOf = async ({ body = new Uint8Array() }: RawRequest): Promise<JsonObject> =>
  JSON.parse(Buffer.from(await gather(body instanceof Uint8Array ? bytesOf(body) : body)).toString() || "{}") as JsonObject;
const source = ({ body = new Uint8Array() }: RawRequest) => (body instanceof Uint8Array ? bytesOf(body) : body);
const attachOf = (query: Query) => ({
  stdin: isOn(query, "stdin"),
  stdout: isOn(query, "stdout"),
  stderr: isOn(query, "stderr"),
  logs: isOn(query, "logs"),
});

const routes: readonly Route[] = [
  ["GET", /^\/_ping$/, async (engine) => ({ stream: Readable.from(["OK"]), headers: await pingHeaders(engine) })],
  ["HEAD", /^\/_ping$/, async (engine) => ({ status: 200, headers: await pingHeaders(engine) })],
  ["GET", /^\/info$/, async ({ system }) => json(await system.info())],
  ["GET", /^\/version$/, async ({ system }) => json(await system.version())],
  [
    "GET",
    /^\/containers\/json$/,
    async ({ containers }, { query }) => json(await containers.list({ all: isOn(query, "all"), filters: filtersOf(query) })),
  ],
  [
    "POST",
    /^\/containers\/create$/,
    async ({ containers }, { query, request }) => {
      const name = query.get("name");
      const body = (await bodyOf(request)) as JsonObject & { readonly Image: string };
      return json(await containers.create({ ...(name !== null && { name }), body }), 201);
    },
  ],
  ["GET", /^\/containers\/([^/]+)\/json$/, async ({ containers }, { id }) => json(await containers.inspect(id))],
  ["GET", /^\/containers\/([^/]+)\/changes$/, async ({ containers }, { id }) => json(await containers.changes(id))],
  ["GET", /^\/containers\/([^/]+)\/top$/, async ({ runs }, { id }) => json(await runs.top(id))],
  ["POST", /^\/containers\/([^/]+)\/start$/, async ({ runs }, { id }) => after(runs.start(id))],
  ["POST", /^\/containers\/([^/]+)\/pause$/, async ({ runs }, { id }) => after(runs.pause(id))],
  ["POST", /^\/containers\/([^/]+)\/unpause$/, async ({ runs }, { id }) => after(runs.unpause(id))],
  ["POST", /^\/containers\/([^/]+)\/stop$/, async ({ runs }, { id, query }) => after(runs.stop(id, graceOf(query)))],
  ["POST", /^\/containers\/([^/]+)\/restart$/, async ({ runs }, { id, query }) => after(runs.restart(id, graceOf(query)))],
  [
    "POST",
    /^\/containers\/([^/]+)\/kill$/,
    async ({ runs }, { id, query }) => after(runs.kill(id, query.get("signal") ?? undefined)),
  ],
  ["POST", /^\/containers\/([^/]+)\/wait$/, async ({ runs }, { id }) => json(await runs.wait(id))],
  [
    "DELETE",
    /^\/containers\/([^/]+)$/,
    async ({ containers }, { id, query }) => after(containers.remove(id, { force: isOn(query, "force") })),
  ],
  [
    "GET",
    /^\/containers\/([^/]+)\/logs$/,
    async ({ streams }, { id, query }) => ({
      stream: await streams.logs(id, { ...attachOf(query), follow: isOn(query, "follow") }),
    }),
  ],
  [
    "PUT",
    /^\/containers\/([^/]+)\/archive$/,
    async ({ streams }, { id, query, request }) => {
      await streams.upload(id, query.get("path") ?? "/", source(request));
      return { status: 200 };
    },
  ],
  [
    "POST",
    /^\/containers\/([^/]+)\/exec$/,
    async ({ execs }, { id, request }) =>
      json(await execs.create(id, (await bodyOf(request)) as JsonObject & { readonly Cmd: readonly string[] }), 201),
  ],
  ["GET", /^\/exec\/([^/]+)\/json$/, async ({ execs }, { id }) => json(await execs.inspect(id))],
  ["GET", /^\/images\/json$/, async ({ images }, { query }) => json(await images.list({ filters: filtersOf(query) }))],
  ["GET", /^\/images\/(.+)\/json$/, async ({ images }, { id }) => json(await images.inspect(id))],
  ["GET", /^\/images\/(.+)\/history$/, async ({ images }, { id }) => json(await images.history(id))],
  ["GET", /^\/networks$/, async ({ networks }, { query }) => json(await networks.list(filtersOf(query)))],
  ["POST", /^\/networks\/prune$/, async ({ networks }, { query }) => json(await pruned(networks, filtersOf(query)))],
  ["GET", /^\/networks\/([^/]+)$/, async ({ networks }, { id }) => json(await networks.inspect(id))],
  ["GET", /^\/volumes$/, async ({ volumes }) => json({ Volumes: await volumes.list(), Warnings: [] })],
  ["GET", /^\/volumes\/([^/]+)$/, async ({ volumes }, { id }) => json(await volumes.inspect(id))],
];

/** As engines do it: what no container is in. */
async function pruned(networks: EngineNetworks, { "label!": unwanted = [], ...wanted }: Filters): Promise<JsonObject> {
  const unused = (await networks.list(wanted)).filter(
    ({ Labels, Containers }) =>
      Object.keys(objectOf(Containers)).length === 0 && !unwanted.some((label) => matchesLabels(Labels ?? {}, [label])),
  );
  for (const { Id } of unused) await networks.remove(Id);
  return { NetworksDeleted: unused.map(({ Name }) => Name) };
}

export function simulatedRaw(engine: () => Engine): EngineRaw {
  const forward: EngineRaw["forward"] = async (request) => {
    const { path, query } = placeOf(request);
    for (const [method, pattern, answer] of routes) {
      const match = method === request.method ? pattern.exec(path) : null;
      if (match) return await answered(() => answer(engine(), { id: decodeURIComponent(match[1] ?? ""), query, request }));
    }
    return await answered(async () => json({ message: "page not found" }, 404));
  };
  return {
    forward,
    upgrade: async (request, call = {}) => {
      const { path, query } = placeOf(request);
      const [, kind, id = "", verb] = /^\/(containers|exec)\/([^/]+)\/(attach|start)$/.exec(path) ?? [];
      try {
        const { streams, execs } = engine();
        const headers = { "content-type": "application/vnd.docker.raw-stream" };
        if (kind === "containers" && verb === "attach") {
          return { kind: "upgraded", status: 101, headers, connection: await streams.attach(id, attachOf(query), call) };
        }
        if (kind === "exec" && verb === "start") {
          return { kind: "upgraded", status: 101, headers, connection: await execs.start(id, {}, call) };
        }
      } catch (error) {
        return { kind: "answered", answer: refused(error) };
      }
      return { kind: "answered", answer: await forward(request, call) };
    },
  };
}

function placeOf({ path }: RawRequest): { readonly path: string; readonly query: Query } {
  if (!/^\/[\x21-\x7e]*$/.test(path)) throw new EngineError(400, "a path begins with a slash and has no spaces");
  const [plain = "", query = ""] = path.replace(/^\/v1\.\d+/, "").split("?", 2);
  return { path: plain, query: new URLSearchParams(query) };
}

async function answered(act: () => Promise<Outcome>): Promise<RawAnswer> {
  try {
    const { json: value, stream, status, headers } = await act();
    if (stream !== undefined) return { status: status ?? 200, headers: { ...headers }, body: stream };
    if (value !== undefined) return whole(status ?? 200, value);
    return { status: status ?? 204, headers: { ...headers }, body: Readable.from([]) };
  } catch (error) {
    return refused(error);
  }
}

/** Refusals are answers; the world's failures are not. */
function refused(error: unknown): RawAnswer {
  if (error instanceof EngineError) return whole(error.status, { message: error.message });
  throw error;
}

const whole = (status: number, value: unknown): RawAnswer => ({
  status,
  headers: { "content-type": "application/json" },
  body: Readable.from([Buffer.from(JSON.stringify(value))], { objectMode: false }),
});

const after = async (done: Promise<void>): Promise<Outcome> => {
  await done;
  return nothing;
};

function graceOf(query: Query): { readonly graceSeconds?: number } {
  const seconds = query.get("t");
  return seconds === null ? {} : { graceSeconds: Number(seconds) };
}

const pingHeaders = async ({ system }: Engine): Promise<object> => ({
  "api-version": (await system.ping()).ApiVersion,
  "content-type": "text/plain",
});
