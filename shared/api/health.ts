/**
 * Health, without a token: /healthz and /livez say that the process answers, /readyz that it can read its state. They tell nothing
 * else, and asking often costs one read a second.
 */

import type { Clock } from "../base/clock.ts";
import { type ApiResponse, respond } from "../http/exchange.ts";
import type { Clusters } from "../state/clusters.ts";
import { RefusedError } from "./errors.ts";
import { statusCodes } from "./status.ts";

const recheckMs = 1_000;

export const alive = (): ApiResponse =>
  respond("ok", { status: statusCodes.ok, headers: { "content-type": "text/plain; charset=utf-8" } });

export class Readiness {
  readonly #clusters: Pick<Clusters, "root">;
  readonly #clock: Clock;
  #checked: { readonly atMs: number; readonly read: Promise<unknown> } | undefined;

  constructor(clusters: Pick<Clusters, "root">, clock: Clock) {
    this.#clusters = clusters;
    this.#clock = clock;
  }

  /** @throws RefusedError: unavailable. */
  async check(): Promise<ApiResponse> {
    const now = this.#clock.monotonic();
    if (this.#checked === undefined || now - this.#checked.atMs >= recheckMs) {
      this.#checked = { atMs: now, read: this.#clusters.root.view(() => undefined) };
    }
    try {
      await this.#checked.read;
    } catch (cause) {
      throw new RefusedError({ kind: "unavailable", message: "the state can't be read now", cause });
    }
    return alive();
  }
}
