/**
 * A round's claim to work on a node, a lease that is asked for when there is something to do: a fleet at rest writes none. It saves what
 * two rounds would do twice and fences nothing. It is a node's and not the cluster's: a pull on one node holds up no task of the others.
 */
import type { Node } from "../../kinds/node.ts";
import { Lease, type Leases } from "../nodes/lease.ts";

export class Claim implements AsyncDisposable {
  readonly #leases: Leases;
  readonly #name: string;
  readonly #ms: number;
  #lease: Lease | undefined;

  /** `ms`: of one whose process died, others may have it after so long. */
  constructor(leases: Leases, { metadata: { uid } }: Node, ms: number) {
    this.#leases = leases;
    this.#name = `agent/${uid}`;
    this.#ms = ms;
  }

  /** false: another round has it. Once only; rejects as the lease's `take` does. */
  async make(): Promise<boolean> {
    const taken = await this.#leases.take(this.#name, this.#ms);
    if (taken instanceof Lease) this.#lease = taken;
    return this.#lease !== undefined;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#lease?.release();
  }
}
