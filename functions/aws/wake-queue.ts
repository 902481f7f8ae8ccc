/**
 * Wake-ups of fleets: a message says which cluster is to be looked at, and nothing else that is believed. One that is lost, doubled or
 * late does no harm: the healer's schedule sends others.
 */
import * as z from "zod";

/** A round of one cluster's fleet. */
export type Wake = {
  /** The cluster's uid. */
  readonly cluster: string;
  /** Whether its engines are asked how they are, too: the healer's own. */
  readonly health?: boolean;
  /** How often in a row a round found that it must wait: each wait is longer. */
  readonly waits?: number;
};

export interface WakeQueue {
  /** Each is there once, or more often. `delaySeconds`: 0 to SQS' 900. Rejects when some may not have been taken. */
  send(wakes: readonly Wake[], delaySeconds?: number): Promise<void>;
}

/** Wake-ups of one request. SQS: messages of one batch. */
export const wakesAtOnceMax = 10;
/** A message that says more is none of ours. */
export const waitsMax = 100;

const wakeSchema = z.object({
  cluster: z.string().min(1).max(128),
  health: z.boolean().optional(),
  waits: z.int().min(0).max(waitsMax).optional(),
});

/** undefined: it is none. Fields that are absent stay so. */
export function parseWake(text: string): Wake | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  const parsed = wakeSchema.safeParse(value);
  if (!parsed.success) return undefined;
  const { cluster, health, waits } = parsed.data;
  return { cluster, ...(health !== undefined && { health }), ...(waits !== undefined && { waits }) };
}
