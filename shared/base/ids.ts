/** Identifiers and random numbers as an argument: the one place that asks the machine for them. */
import { randomBytes, randomUUID } from "node:crypto";

export interface Ids {
  /** A new RFC 9562 UUID, version 4. */
  uuid(): string;
  /** A number in [0, 1): for jitter, not for secrets. */
  random(): number;
}

export const systemIds: Ids = { uuid: () => randomUUID(), random: () => Math.random() };

/** A new secret of `bytes` random bytes, base64url: 32 bytes are 43 characters. */
export const newSecret = (bytes = 32): string => randomBytes(bytes).toString("base64url");
