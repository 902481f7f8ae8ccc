/**
 * GET /windlass/v1/doctor: a look at the state while it is served, for the root's admin: rows against log, markers, tokens. It changes
 * nothing: what is mended is mended while no server holds the state (`windlass doctor --fix`).
 */

import type { ApiResponse } from "../http/exchange.ts";
import { checkInstallation } from "../state/doctor/installation-check.ts";
import { inRoot, type PathCall } from "./path-call.ts";
import { plainAnswer } from "./plain-answer.ts";

export class Doctor {
  /** One look at a time: each reads all there is. */
  #underWay: Promise<unknown> = Promise.resolve();

  look(call: PathCall): Promise<ApiResponse> {
    return inRoot(call, "administer", async () => {
      const { api } = call;
      const looked = this.#underWay.then(() => checkInstallation(api, (uids) => api.tokens.strayFindings(uids)));
      this.#underWay = looked.catch(() => undefined);
      const items = (await looked).map(({ where, problem, mending }) => ({ where, problem, mendable: mending !== undefined }));
      return plainAnswer({ kind: "FindingList", items });
    });
  }
}
