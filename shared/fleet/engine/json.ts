/** The type of an engine's JSON answer: the fields the fleet relies on, and whatever else the engine says. */
import type { Json } from "../../base/json.ts";

export type Answer<Known> = Known & { readonly [field: string]: Json | undefined };
