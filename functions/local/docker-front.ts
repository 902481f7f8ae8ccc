/** Requests of docker on their way past the interface: with their streams as they come, and measured like all others. */
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Measured, Metrics } from "../../shared/api/metrics.ts";
import type { Clock } from "../../shared/base/clock.ts";
import type { DockerApi } from "../../shared/docker-api/docker-api.ts";
import { isDockerPath } from "../../shared/docker-api/paths.ts";
import type { UpgradeHook } from "./upgrade.ts";

/** What the listener hands to others than the interface. */
export type StreamedFront = {
  /** Whether a request of this path and query is for it. */
  takes(url: string): boolean;
  /** Resolves when the answer has begun. It answers its own errors: what it rejects with is a bug. */
  answer(incoming: IncomingMessage, response: ServerResponse): Promise<void>;
};

const host = () => import("../../shared/docker-api/node-host.ts");

export type DockerFront = StreamedFront & { readonly upgrade: UpgradeHook };

/** As the interface names them: a path's words, and a client's own methods, are no labels. */
const verbs: Readonly<Record<string, string>> = { GET: "get", HEAD: "get", POST: "create", PUT: "update", DELETE: "delete" };
const measuredAs = ({ method = "GET" }: IncomingMessage): Measured => ({ verb: verbs[method] ?? "other", kind: "docker" });
const upgraded: Measured = { verb: "connect", kind: "docker" };

/** `open`: the API, which is loaded when the first request comes. */
export function dockerFront(
  open: () => Promise<DockerApi>,
  { metrics, clock }: { readonly metrics: Pick<Metrics, "begun" | "ended">; readonly clock: Clock },
): DockerFront {
  const begin = () => {
    metrics.begun();
    const startedMs = clock.monotonic();
    return (measured: Measured, code: number) => metrics.ended(measured, code, (clock.monotonic() - startedMs) / 1_000);
  };
  return {
    takes: isDockerPath,
    async answer(incoming, response) {
      const end = begin();
      let code = 500;
      try {
        const { serveDocker } = await host();
        await serveDocker(await open(), incoming, response);
        code = response.statusCode;
      } finally {
        end(measuredAs(incoming), code);
      }
    },
    async upgrade(incoming, socket, head) {
      const end = begin();
      let code = 500;
      try {
        const { upgradeDocker } = await host();
        code = await upgradeDocker(await open(), incoming, socket, head);
      } finally {
        end(upgraded, code);
      }
    },
  };
}
