/** What a path and a method of the Docker API lead to, and how such rows are written. */
import type { Verb } from "../access/access.ts";
import type { Call } from "./call.ts";
import type { DockerAnswer, DockerUpgrade } from "./exchange.ts";

/** read: shows what is there (viewers may); change: everything else, the contents of containers included (admins only: bind mounts and --privileged are root on the node). */
export type Right = "read" | "change";

export const verbOf: Readonly<Record<Right, Verb>> = { read: "get", change: "administer" };

/** How a call is served; for the README's table and for tests that walk all routes. */
export type Service = "store" | "node" | "all nodes" | "one node" | "hijacked" | "own" | "refused";

export type Handler = (call: Call) => DockerAnswer | Promise<DockerAnswer>;

export type Route = {
  readonly right: Right;
  readonly service: Service;
  readonly handle: Handler;
  /** For connections that leave HTTP; absent: they are answered as if they had not asked to. */
  readonly upgrade?: (call: Call) => Promise<DockerUpgrade>;
};

export type RouteRow = Route & { readonly method: string; readonly path: string };

/** `/containers/:id/json`: an id or name may hold slashes, as `node/name` does. */
export const row = (method: string, path: string, right: Right, service: Service, handle: Handler): RouteRow => ({
  method,
  path: path.replace(/:(\w+)/g, ":$1{.+}"),
  right,
  service,
  handle,
});
