/** What a look at the stored state finds: a fault, where it is, and whether it can be mended from what is there. */
import type { Markers, RowWrite } from "../../log/ports.ts";

export type Mending =
  | { readonly kind: "rows"; readonly uid: string; readonly writes: readonly RowWrite[] }
  | { readonly kind: "markers"; readonly uid: string; readonly markers: Omit<Markers, "first"> }
  | { readonly kind: "cell"; readonly uid: string; readonly key: string; readonly version: number };

export type Finding = {
  /** A cluster's name, "root", or "tokens". */
  readonly where: string;
  readonly problem: string;
  /** undefined: nothing that is left says what is right. */
  readonly mending: Mending | undefined;
};
