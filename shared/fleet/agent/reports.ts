/** Tells a node's healer how its engine answers the agents: that it was not reached, and once after that, that it is again. */
import type { Logger } from "../../base/logger.ts";
import type { Node } from "../../kinds/node.ts";
import { isNetworkError } from "../fleet/errors.ts";

/** NodeHealer's passive reports. */
export interface NodeReports {
  /** `counts`: as a failure, not only as the node's last error. */
  failed(node: Node, error: unknown, options: { readonly counts: boolean }): Promise<unknown>;
  succeeded(node: Node): Promise<unknown>;
}

export class Reporter {
  readonly #reports: NodeReports | undefined;
  readonly #logger: Logger;
  /** Names of nodes whose last report was a failure: as many as there are nodes. */
  readonly #failing = new Set<string>();

  constructor({ reports, logger }: { readonly reports: NodeReports | undefined; readonly logger: Logger }) {
    this.#reports = reports;
    this.#logger = logger;
  }

  /** Forgets those that are not there any more. `names`: of all nodes. */
  keep(names: ReadonlySet<string>): void {
    for (const name of this.#failing) if (!names.has(name)) this.#failing.delete(name);
  }

  /** `error` undefined: it answered. What an engine answers with is no failure of the node. Never rejects. */
  async tell(node: Node, error: unknown): Promise<void> {
    const { name } = node.metadata;
    try {
      if (isNetworkError(error)) {
        this.#failing.add(name);
        await this.#reports?.failed(node, error, { counts: true });
      } else if (error === undefined && this.#failing.delete(name)) {
        await this.#reports?.succeeded(node);
      }
    } catch (failure) {
      this.#logger.log("warn", "agent: a node's health could not be reported", { node: name, error: failure });
    }
  }
}
