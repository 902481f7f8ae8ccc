/** The limits of the code under test that the judge holds it to. */
import type { Code } from "./code.ts";

export type Limits = Pick<Code["limits"], "lagEntriesMax" | "objectBytesMax" | "entryChangesMax">;

export const lagLimits = ({ lagEntriesMax }: Limits): number => lagEntriesMax;
