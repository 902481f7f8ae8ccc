/** What a write is made of: the types that the verbs, the pipeline and its steps share. */

import type { Principal } from "../access/access.ts";
import type { KindDefinition } from "../kinds/definition.ts";
import type { ObjectInput, WindlassObject } from "../kinds/object.ts";
import type { Transaction } from "../state/transaction.ts";
import type { ManagedEntry } from "./apply/managed-entry.ts";
import type { Subresource } from "./call.ts";
import type { WriteOptions } from "./write-options.ts";

/** One write of one object, as its verb asks for it. */
export type Write = {
  readonly operation: "create" | "update" | "delete";
  /** An update of what is not there makes it. */
  readonly orCreate?: boolean;
  readonly definition: KindDefinition;
  readonly namespace: string | undefined;
  readonly name: string;
  readonly subresource: Subresource | undefined;
  readonly options: WriteOptions;
  readonly principal: Principal;
};

/** What a verb wants the object to be. */
export type Proposal = {
  readonly object: ObjectInput;
  /** Paths that the kind does not know. */
  readonly unknownFields: readonly string[];
  /** Who owns what then, where the verb has worked that out; absent: as after any update. */
  readonly managedFields?: readonly ManagedEntry[];
};

/** From what is there (undefined: nothing; for an update there is something, but for `orCreate`) to what is wanted. Pure; throws to refuse. */
export type Propose = (current: WindlassObject | undefined, transaction: Transaction) => Proposal;

export type Written = {
  /** As it stands now, or as it was when it was removed. */
  readonly object: WindlassObject;
  readonly removed: boolean;
  readonly created: boolean;
  readonly warnings: readonly string[];
  readonly revision: number;
};

/** What a step may look at beside the object. `current`: undefined at a create. */
export type StepContext = {
  readonly write: Write;
  readonly current: WindlassObject | undefined;
  readonly transaction: Transaction;
  readonly managedFields: Proposal["managedFields"];
};

/** One concern of every write: the object as it should go on, or an error that refuses it. */
export type Step = (object: ObjectInput, context: StepContext) => ObjectInput;
