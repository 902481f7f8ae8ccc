/** What is thrown about nodes: tsuru's errors, with "busy" and "unknown" told apart. Nothing was written in any of these cases. */

/** Somebody heals the node at the moment: the source's "Healer already running". Try again after `until`, or sooner. */
export class NodeBusyError extends Error {
  override readonly name = "NodeBusyError";
  readonly node: string;
  readonly heldBy: string;
  /** Milliseconds since 1970: at the latest then it is free. */
  readonly until: number;
  constructor(node: string, { heldBy, until }: { readonly heldBy: string; readonly until: number }) {
    super(`node ${node} is being healed by ${heldBy}, until ${new Date(until).toISOString()} at the latest`);
    this.node = node;
    this.heldBy = heldBy;
    this.until = until;
  }
}

/** There is no node of that name or address, or it is another one of that name by now. */
export class NoSuchNodeError extends Error {
  override readonly name = "NoSuchNodeError";
  readonly node: string;
  constructor(node: string) {
    super(`no such node: ${node}`);
    this.node = node;
  }
}

/** A node of that address, however it is written, is registered: `holder`. Of one that is leaving: try again when it has gone. */
export class DuplicateNodeAddressError extends Error {
  override readonly name = "DuplicateNodeAddressError";
  readonly address: string;
  readonly holder: string;
  constructor(address: string, holder: string, { isLeaving = false }: { readonly isLeaving?: boolean } = {}) {
    const why = isLeaving ? ", which is being removed: try again when it has gone" : "";
    super(`address ${address} is registered already, as node ${holder}${why}`);
    this.address = address;
    this.holder = holder;
  }
}

/** What was given can't be a node: `field` as a Node has it. */
export class InvalidNodeError extends Error {
  override readonly name = "InvalidNodeError";
  readonly field: string;
  constructor(field: string, problem: string) {
    super(`${field}: ${problem}`);
    this.field = field;
  }
}

/** Its host is stopping, or its cluster was deleted: no engine is spoken to any more. Another process, or a later one, may be asked. */
export class EnginesClosedError extends Error {
  override readonly name = "EnginesClosedError";
  constructor() {
    super("the engines were closed: the host is stopping, or the cluster was deleted");
  }
}
