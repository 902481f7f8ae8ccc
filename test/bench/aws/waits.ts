/**
 * How long a function would last: its own work as measured here, and one round trip for each time that it waits for AWS, however many
 * requests are under way then. What LocalStack takes for an answer is left out: it says nothing of DynamoDB.
 */
import { performance } from "node:perf_hooks";
import type { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { roundTripMs } from "./contention.ts";

/** Lambda gives a whole core with so much memory, and a part of one with less. */
const coreMb = 1_769;
/** Durations are told, and charged, as the least of these that is not shorter: the last digits are this machine's. */
const classesMs = [5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000, 20_000, 60_000] as const;

export class Waits {
  #underWay = 0;
  #sinceMs = 0;
  #waitedMs = 0;
  #trips = 0;

  attach(client: DynamoDBClient): void {
    client.middlewareStack.add((next) => (args) => this.during(() => next(args)), {
      step: "finalizeRequest",
      priority: "low",
      name: "timeRequests",
    });
  }

  async during<T>(request: () => Promise<T>): Promise<T> {
    if (this.#underWay === 0) {
      this.#sinceMs = performance.now();
      this.#trips += 1;
    }
    this.#underWay += 1;
    try {
      return await request();
    } finally {
      this.#underWay -= 1;
      if (this.#underWay === 0) this.#waitedMs += performance.now() - this.#sinceMs;
    }
  }

  /** Milliseconds of `call` on AWS with so much memory, as a class. */
  async time<T>(mb: number, call: () => Promise<T>): Promise<{ readonly value: T; readonly ms: number }> {
    [this.#waitedMs, this.#trips] = [0, 0];
    const begun = performance.now();
    const value = await call();
    const ownMs = Math.max(0, performance.now() - begun - this.#waitedMs) * Math.max(1, coreMb / mb);
    return { value, ms: classOf(ownMs + this.#trips * roundTripMs) };
  }
}

const classOf = (ms: number): number => classesMs.find((most) => ms <= most) ?? ms;
