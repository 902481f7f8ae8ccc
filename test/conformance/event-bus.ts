/** What every adapter of the bus must do. The subject tells what reached the bus, and makes it refuse some. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { BusEvent, EventBus } from "../../shared/routes/event-bus.ts";

export type BusSubject = {
  readonly bus: EventBus;
  /** Details of the events that the bus has taken, in any order. */
  taken(): Promise<readonly string[]>;
  /** The next put refuses the events at these places. */
  refuse(places: readonly number[]): void;
  /** The next put breaks off without an answer. */
  breakOff(): void;
  close(): Promise<void>;
};

let count = 0;
export const event = (text = ""): BusEvent => {
  count += 1;
  const id = `uid/1/${count}`;
  return { id, type: "dev.windlass.test", time: 1_700_000_000_000, detail: JSON.stringify({ id, text }) };
};

export function busConformance(name: string, open: () => Promise<BusSubject>): void {
  describe(name, () => {
    let subject: BusSubject;
    beforeAll(async () => {
      subject = await open();
    });
    afterAll(() => subject.close());

    it("takes as many events as it says, and answers each in its place", async () => {
      const events = Array.from({ length: subject.bus.putMax }, () => event());
      expect(await subject.bus.put(events)).toEqual(events.map(() => ({ kind: "taken" })));
      expect(await subject.taken()).toEqual(expect.arrayContaining(events.map(({ detail }) => detail)));
    });

    it("takes an event of the size it says, in any script", async () => {
      const empty = event();
      const text = "ü".repeat(Math.floor((subject.bus.putBytesMax - subject.bus.bytesOf(empty) - 8) / 2));
      const large = event(text);
      expect(subject.bus.bytesOf(large)).toBeGreaterThan(subject.bus.putBytesMax - 20);
      expect(await subject.bus.put([large])).toEqual([{ kind: "taken" }]);
    });

    it("says which events of a put it refused, and why; the same may be put again", async () => {
      const events = [event("a"), event("b"), event("c")];
      subject.refuse([1]);
      const outcomes = await subject.bus.put(events);
      expect(outcomes.map(({ kind }) => kind)).toEqual(["taken", "refused", "taken"]);
      expect(outcomes[1]).toMatchObject({ why: expect.stringMatching(/./) });
      expect(await subject.taken()).not.toContain(events[1]?.detail);
      expect(await subject.bus.put(events.slice(1, 2))).toEqual([{ kind: "taken" }]);
      expect(await subject.taken()).toContain(events[1]?.detail);
    });

    it("rejects when nothing is known of a put; putting it again is safe", async () => {
      const one = event();
      subject.breakOff();
      await expect(subject.bus.put([one])).rejects.toThrow();
      expect(await subject.bus.put([one])).toEqual([{ kind: "taken" }]);
      expect(await subject.taken()).toContain(one.detail);
    });
  });
}
