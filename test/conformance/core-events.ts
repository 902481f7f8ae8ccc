/**
 * Events beside the log, on any adapter's cells: what a journal keeps, what its feed tells, and that neither loses anything to another process
 * or to a crash in the middle of a write.
 */
import fc from "fast-check";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { CoreEvent } from "../../shared/kinds/core-event.ts";
import type { CellPut, Cells } from "../../shared/log/ports.ts";
import { eventBytesMax, eventsMax, eventsMaxInNamespace, sweepEvery } from "../../shared/state/core-events/event-bounds.ts";
import { type EventPosition, eventMs, expiredKeptMs, timeOf } from "../../shared/state/core-events/event-clock.ts";
import { type EventChange, EventFeed } from "../../shared/state/core-events/event-feed.ts";
import { EventJournal, removedMax } from "../../shared/state/core-events/event-journal.ts";
import { isExact, pictureNow, restOf } from "../../shared/state/core-events/event-picture.ts";
import {
  type EventToRecord,
  eventRecorder,
  messageCharactersMax,
  referenceTo,
} from "../../shared/state/core-events/event-recorder.ts";
import { Turns, waitingMax } from "../../shared/state/core-events/turns.ts";
import { BusyError, GoneError } from "../../shared/state/errors.ts";
import { parseVersion } from "../../shared/state/version.ts";
import { ManualClock } from "../local/manual-clock.ts";
import { type ConformanceOptions, newUid, type OpenedPorts, type OpenPorts, timeoutMs } from "./ports.ts";

const happened = (name: string, fields: Partial<EventToRecord> = {}): EventToRecord => ({
  involvedObject: { kind: "Node", name, uid: `uid of ${name}` },
  type: "Warning",
  reason: "NotReady",
  message: "it does not answer",
  source: { component: "healer" },
  ...fields,
});

/** `bounds`: whether to write beyond the bounds, too. */
export function coreEventConformance(
  name: string,
  open: OpenPorts,
  { runs = 20, bounds = true }: ConformanceOptions & { readonly bounds?: boolean } = {},
): void {
  describe(`core/v1 events, ${name}`, { timeout: timeoutMs }, () => {
    let ports: OpenedPorts;
    let clock: ManualClock;
    let uid: string;
    const ids = { uuid: newUid };
    const journalOn = (cells: Cells = ports.cells) => new EventJournal({ cells, clock, ids });
    beforeAll(async () => {
      ports = await open();
    }, timeoutMs);
    afterAll(() => ports?.close());
    beforeEach(async () => {
      clock = new ManualClock();
      uid = newUid();
      await ports.objects.begin(uid, clock.now());
    });
    const feedOn = (journal: EventJournal, after?: EventPosition, namespace?: string) =>
      EventFeed.open({ journal, clock, uid, namespace }, after);
    const listed = async (journal: EventJournal) => (await feedOn(journal)).feed.events;

    it("what repeats is one event that counts; what differs in anything is another", async () => {
      const journal = journalOn();
      const recorder = eventRecorder(journal, uid);
      await recorder.record(happened("a"));
      const [made] = await listed(journal);
      clock.advance(60_000);
      await recorder.record(happened("a"));
      const [again] = await listed(journal);
      expect(again).toMatchObject({ count: 2, firstTimestamp: made?.firstTimestamp, type: "Warning", reason: "NotReady" });
      expect(again?.metadata).toMatchObject({ namespace: "default", uid: made?.metadata.uid, name: made?.metadata.name });
      expect(Date.parse(again?.lastTimestamp ?? "") - Date.parse(made?.lastTimestamp ?? "")).toBe(60_000);
      expect(Number(again?.metadata.resourceVersion)).toBeGreaterThan(Number(made?.metadata.resourceVersion));
      const others = [
        happened("b"),
        happened("a", { reason: "Other" }),
        happened("a", { message: "other" }),
        happened("a", { type: "Normal" }),
        happened("a", { source: { component: "poller" } }),
        happened("a", { involvedObject: { kind: "Service", name: "a", namespace: "shop" } }),
      ];
      for (const other of others) await recorder.record(other);
      const all = await listed(journal);
      expect(all.map(({ count }) => count).sort()).toEqual([1, 1, 1, 1, 1, 1, 2]);
      expect(new Set(all.map(({ metadata }) => metadata.namespace))).toEqual(new Set(["default", "shop"]));
      expect((await feedOn(journal, undefined, "shop")).feed.events).toHaveLength(1);
    });

    it("a long name and a long message fit", async () => {
      const journal = journalOn();
      await eventRecorder(journal, uid).record(happened("n".repeat(253), { message: "m".repeat(messageCharactersMax + 1) }));
      const [event] = await listed(journal);
      expect([event?.metadata.name.length, event?.message?.length]).toEqual([253, messageCharactersMax]);
    });

    it("processes that record at once lose no count", async () => {
      const journals = [journalOn(), journalOn()];
      await Promise.all(
        journals.flatMap((journal) => Array.from({ length: 5 }, () => eventRecorder(journal, uid).record(happened("a")))),
      );
      expect((await listed(journalOn())).map(({ count }) => count)).toEqual([10]);
    });

    it("an event is gone an hour after its last write; then it begins anew", async () => {
      const journal = journalOn();
      const recorder = eventRecorder(journal, uid);
      await recorder.record(happened("a"));
      const [{ metadata } = { metadata: undefined }] = await listed(journal);
      clock.advance(eventMs - 1);
      expect(await listed(journal)).toHaveLength(1);
      await recorder.record(happened("a"));
      clock.advance(eventMs - 1);
      expect(await listed(journal)).toMatchObject([{ count: 2 }]);
      clock.advance(1);
      expect(await listed(journal)).toEqual([]);
      const place = { namespace: "default", name: metadata?.name ?? "" };
      expect(await journal.get(uid, place)).toBeUndefined();
      await recorder.record(happened("a"));
      const again = await journal.get(uid, place);
      expect([again?.count, again?.metadata.uid === metadata?.uid]).toEqual([1, false]);
    });

    it("an event at its bound is kept, one past it is refused, and nothing is written", async () => {
      const journal = journalOn();
      const place = { namespace: "default", name: "a" };
      const of = (message: string) => journal.change(uid, place, () => ({ metadata: {}, involvedObject: {}, message }));
      const { event } = await of("");
      const room = eventBytesMax - Buffer.byteLength(JSON.stringify(event));
      await of("x".repeat(room));
      await expect(of("x".repeat(room + 1))).rejects.toMatchObject({ name: "TooLargeError", size: eventBytesMax + 1 });
      expect((await journal.get(uid, place))?.message).toHaveLength(room);
    });

    it("what is refused, and a dry run, write nothing", async () => {
      const journal = journalOn();
      const place = { namespace: "default", name: "a" };
      const refuse = () => {
        throw new Error("mine");
      };
      await expect(journal.change(uid, place, refuse)).rejects.toThrow("mine");
      const { event } = await journal.change(uid, place, () => ({ metadata: {}, involvedObject: {} }), { dryRun: true });
      expect(event.metadata.name).toBe("a");
      expect(await listed(journal)).toEqual([]);
    });

    it("a write whose writer crashed before it stood in its cell is there for all, and stays", async () => {
      const crashing = journalOn(crashingAfter(ports.cells, 0));
      await expect(eventRecorder(crashing, uid).record(happened("a"))).rejects.toThrow("crash");
      const journal = journalOn();
      const [event] = await listed(journal);
      expect(event).toMatchObject({ count: 1 });
      expect(await journal.get(uid, { namespace: "default", name: event?.metadata.name ?? "" })).toEqual(event);
      await eventRecorder(journal, uid).record(happened("b"));
      expect(await listed(journal)).toHaveLength(2);
      await eventRecorder(journal, uid).record(happened("a"));
      expect((await listed(journal)).map(({ count }) => count).sort()).toEqual([1, 2]);
    });

    it.runIf(bounds)("a namespace keeps its newest thousand, and another one its own", async () => {
      const journal = journalOn();
      const make = (namespace: string, name: string) =>
        journal.change(uid, { namespace, name }, () => ({ metadata: {}, involvedObject: { name } }));
      await make("calm", "kept");
      for (let n = 0; n < eventsMaxInNamespace + 2 * sweepEvery; n += 1) {
        clock.advance(1);
        await make("loud", `n-${n}`);
      }
      const { feed } = await feedOn(journal);
      const names = feed.events.filter(({ metadata }) => metadata.namespace === "loud").map(({ metadata }) => metadata.name);
      expect(names.length).toBeLessThanOrEqual(eventsMaxInNamespace + sweepEvery);
      expect(names.length).toBeGreaterThanOrEqual(eventsMaxInNamespace);
      expect(names).not.toContain("n-0");
      expect(names).toContain(`n-${eventsMaxInNamespace + 2 * sweepEvery - 1}`);
      expect(await journal.get(uid, { namespace: "calm", name: "kept" })).toBeDefined();
      await expect(feedOn(journal, positionOf(feed.position, -1_000))).rejects.toBeInstanceOf(GoneError);
    });

    it.runIf(bounds)("a cluster keeps its newest thousands, whatever their namespaces", async () => {
      const journal = journalOn();
      for (let n = 0; n < eventsMax + 2 * sweepEvery; n += 1)
        await journal.change(uid, { namespace: `n-${n % 10}`, name: `n-${n}` }, () => ({ metadata: {}, involvedObject: {} }));
      const events = await listed(journal);
      expect(events.length).toBeLessThanOrEqual(eventsMax + sweepEvery);
      expect(events.length).toBeGreaterThanOrEqual(eventsMax);
      expect(events.some(({ metadata }) => metadata.name === "n-0")).toBe(false);
    });

    it("so many writes may wait for their turn, and one more is busy", async () => {
      const turns = new Turns();
      let open: () => void = () => undefined;
      const gate = new Promise<void>((resolve) => {
        open = resolve;
      });
      const waiting = Array.from({ length: waitingMax }, () => turns.take("a", () => gate));
      await expect(turns.take("a", () => gate)).rejects.toBeInstanceOf(BusyError);
      await turns.take("b", async () => undefined);
      open();
      await Promise.all(waiting);
      expect(await turns.take("a", async () => 1)).toBe(1);
    });

    it("an event refers to an object of ours", async () => {
      const metadata = { name: "a", namespace: "shop", uid: "u", resourceVersion: "1", generation: 1, creationTimestamp: "" };
      const involvedObject = referenceTo({ apiVersion: "windlass.dev/v1", kind: "Service", metadata, spec: {} });
      await eventRecorder(journalOn(), uid).record(happened("a", { involvedObject }));
      expect(await listed(journalOn())).toMatchObject([
        {
          metadata: { namespace: "shop" },
          involvedObject: { kind: "Service", name: "a", namespace: "shop", uid: "u", resourceVersion: "1" },
        },
      ]);
    });

    it("cells of expired events go with later writes, so that nothing is left of them", async () => {
      const journal = journalOn();
      const make = (name: string) =>
        journal.change(uid, { namespace: "default", name }, () => ({ metadata: {}, involvedObject: {} }));
      await make("old");
      clock.advance(eventMs + expiredKeptMs);
      for (let n = 0; n < sweepEvery; n += 1) await make(`n-${n}`);
      const keys = (await ports.cells.list(uid, "event/", 100)).map(({ key }) => key);
      expect(keys).toHaveLength(sweepEvery);
      expect(keys).not.toContain("event/default/old");
    });

    it("a feed goes on from where a list was made, and from where another feed came to", async () => {
      const [journal, other] = [journalOn(), journalOn()];
      const recorder = eventRecorder(other, uid);
      const { feed: first } = await feedOn(journal);
      await recorder.record(happened("a"));
      expect((await feedOn(journal, positionOf(first.position))).missed.map(typed)).toEqual(["create a"]);
      expect((await first.poll()).map(typed)).toEqual(["create a"]);
      expect(await first.poll()).toEqual([]);
      await recorder.record(happened("a"));
      await recorder.record(happened("b"));
      const { missed } = await feedOn(journal, positionOf(first.position));
      expect(missed.map(typed)).toEqual(["update a", "create b"]);
      expect(missed[0]?.event.count).toBe(2);
      expect((await first.poll()).map(typed)).toEqual(["update a", "create b"]);
      clock.advance(eventMs / 2);
      expect(await first.poll()).toEqual([]);
      const between = positionOf(first.position);
      // Writes of one millisecond follow each other by one.
      clock.advance(eventMs / 2 + 100);
      const gone = await first.poll();
      expect(gone.map(typed).sort()).toEqual(["delete a", "delete b"]);
      expect((await feedOn(journal, between)).missed.map(typed).sort()).toEqual(["delete a", "delete b"]);
      expect((await feedOn(journal, positionOf(first.position))).missed).toEqual([]);
    });

    it("a feed ends when its cluster's cells are removed", async () => {
      const journal = journalOn();
      await eventRecorder(journal, uid).record(happened("a"));
      const { feed } = await feedOn(journal);
      while (!(await ports.objects.remove(uid, 100)));
      await expect(feed.poll()).rejects.toBeInstanceOf(GoneError);
    });

    it("a feed from before a deletion, from above the last write, or from too long ago is refused", async () => {
      const journal = journalOn();
      const recorder = eventRecorder(journal, uid);
      await recorder.record(happened("a"));
      const { feed } = await feedOn(journal);
      const [before, version] = [positionOf(feed.position), Number(feed.position)];
      await expect(feedOn(journal, positionOf(String(version + 10_000_000)))).rejects.toBeInstanceOf(GoneError);
      const [event] = feed.events;
      await journal.change(uid, { namespace: "default", name: event?.metadata.name ?? "" }, () => undefined);
      await expect(feedOn(journal, before)).rejects.toBeInstanceOf(GoneError);
      expect((await feed.poll()).map(typed)).toEqual(["delete a"]);
      await recorder.record(happened("b"));
      const known = positionOf((await feedOn(journal)).feed.position);
      clock.advance(expiredKeptMs + 10_000);
      await expect(feedOn(journal, known)).rejects.toBeInstanceOf(GoneError);
      const list = positionOf((await feedOn(journal)).feed.position);
      expect((await feedOn(journal, list)).missed).toEqual([]);
      expect(timeOf(list)).toBeLessThanOrEqual(clock.now());
    });

    it.runIf(bounds)(
      "many go in few writes; what was made anew since they were read stays, and who listens hears of all",
      async () => {
        const journal = journalOn();
        const make = (n: number) =>
          journal.change(uid, { namespace: "default", name: `n-${n}` }, () => ({
            metadata: {},
            involvedObject: { name: `n-${n}` },
          }));
        for (let n = 0; n < removedMax + 2; n += 1) await make(n);
        const { feed } = await feedOn(journal);
        const read = feed.events;
        await journal.change(uid, { namespace: "default", name: "n-0" }, () => undefined);
        await make(0);
        await feed.poll();
        const before = await journal.clock(uid);
        await journalOn().removeAll(uid, read);
        expect((await listed(journal)).map(({ metadata }) => metadata.name)).toEqual(["n-0"]);
        expect((await feed.poll()).map(({ type }) => type)).toEqual(Array(removedMax + 1).fill("delete"));
        const after = await journal.clock(uid);
        await journalOn().removeAll(uid, read);
        expect([after.floor > before.floor, await journal.clock(uid)]).toEqual([true, after]);
      },
    );

    it("a removal whose process ended before the cells went is there for all, and stays", async () => {
      const journal = journalOn();
      const make = (name: string) =>
        journal.change(uid, { namespace: "default", name }, () => ({ metadata: {}, involvedObject: { name } }));
      for (const name of ["a", "b", "c"]) await make(name);
      const crash = async (): Promise<never> => {
        throw new Error("crash");
      };
      const crashing = journalOn({ ...boundTo(ports.cells), delete: crash });
      await expect(crashing.removeAll(uid, (await listed(journal)).slice(0, 2))).rejects.toThrow("crash");
      expect((await listed(journal)).map(({ metadata }) => metadata.name)).toEqual(["c"]);
      await make("d");
      expect((await listed(journal)).map(({ metadata }) => metadata.name)).toEqual(["c", "d"]);
      expect((await ports.cells.list(uid, "event/", 10)).map(({ key }) => key)).toEqual(["event/default/c", "event/default/d"]);
    });

    it("the rest of a list is as its first page's moment was: also what has expired since, but not what was made anew", async () => {
      const journal = journalOn();
      const make = (name: string) =>
        journal.change(uid, { namespace: "default", name }, () => ({ metadata: {}, involvedObject: { name } }));
      for (const name of ["a", "b", "c"]) await make(name);
      const options = { journal, clock, uid, namespace: undefined };
      const picture = await pictureNow(options);
      expect(await isExact(options, picture)).toBe(true);
      const rest = { ...picture.moment, after: "event/default/a", left: 2 };
      await make("bb");
      // Writes of one millisecond follow each other by one.
      clock.advance(eventMs + 100);
      expect(await restOf(options, rest)).toEqual(picture.entries.slice(1));
      expect((await pictureNow(options)).entries).toEqual([]);
      await make("a");
      expect(await restOf(options, rest)).toHaveLength(2);
      await make("b");
      await expect(restOf(options, rest)).rejects.toBeInstanceOf(GoneError);
      await expect(restOf(options, { ...rest, sequence: rest.sequence + eventMs * 10 })).rejects.toBeInstanceOf(GoneError);
    });

    it("a picture that others wrote into while it was read says so, and leaves out what was made", async () => {
      const journal = journalOn();
      const make = (name: string) =>
        journal.change(uid, { namespace: "default", name }, (current) => ({
          metadata: {},
          involvedObject: { name },
          count: (current?.count ?? 0) + 1,
        }));
      for (const name of ["a", "b"]) await make(name);
      const during = async (act: () => Promise<unknown>) => {
        const list = async (life: string, prefix: string, limit: number) => {
          await act();
          return ports.cells.list(life, prefix, limit);
        };
        const options = { journal: journalOn({ ...boundTo(ports.cells), list }), clock, uid, namespace: undefined };
        const picture = await pictureNow(options);
        return [picture.entries.map(({ event }) => event.metadata.name).join(""), await isExact(options, picture)];
      };
      expect(await during(async () => undefined)).toEqual(["ab", true]);
      expect(await during(() => make("c"))).toEqual(["ab", true]);
      expect(await during(() => make("b"))).toEqual(["abc", false]);
      const remove = () => journal.change(uid, { namespace: "default", name: "a" }, () => undefined);
      expect(await during(remove)).toEqual(["bc", false]);
    });

    it.runIf(runs > 0)("whatever happens after a first page: the rest is as it was then, or gone", async () => {
      await fc.assert(
        fc.asyncProperty(fc.array(step, { maxLength: 8 }), fc.array(step, { maxLength: 8 }), async (before, meanwhile) => {
          clock = new ManualClock();
          uid = newUid();
          await ports.objects.begin(uid, clock.now());
          const journals = [journalOn(), journalOn()] as const;
          const all = (steps: readonly Step[]) => sequentially(steps, (each) => act(each, journals[each.process === 0 ? 0 : 1]));
          await all(before);
          const options = { journal: journalOn(), clock, uid, namespace: undefined };
          const { moment, entries } = await pictureNow(options);
          await all(meanwhile);
          for (const [index, { key }] of entries.entries()) {
            const left = entries.slice(index + 1);
            const rest = await restOf(options, { ...moment, after: key, left: left.length }).catch((error: unknown) => error);
            if (!(rest instanceof GoneError)) expect(rest).toEqual(left);
          }
        }),
        { numRuns: runs },
      );
    });

    it.runIf(runs > 0)(
      "whatever is written, deleted, crashes or expires: who listens, leaves and comes back knows what a list says",
      async () => {
        await fc.assert(
          fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 40 }), async (steps) => {
            clock = new ManualClock();
            uid = newUid();
            await ports.objects.begin(uid, clock.now());
            await agrees(steps);
          }),
          { numRuns: runs },
        );
      },
    );

    async function agrees(steps: readonly Step[]): Promise<void> {
      const journals = [journalOn(), journalOn()];
      const watched = journalOn();
      let { feed } = await feedOn(watched);
      const picture = new Map<string, CoreEvent>(feed.events.map((event) => [keyOf(event), event]));
      for (const each of steps) {
        const journal = journals[each.process] ?? watched;
        await act(each, journal);
        if (each.look === "no") continue;
        if (each.look === "return") feed = await reopened(watched, feed.position, picture);
        if (each.look === "break") {
          const { position } = feed;
          const heard = halfOf(await feed.poll());
          for (const change of heard) take(picture, change);
          feed = await reopened(watched, heard.at(-1)?.event.metadata.resourceVersion ?? position, picture);
        }
        for (const change of await feed.poll()) take(picture, change);
        const list = await listed(watched);
        expect([...picture.values()].sort(byKey)).toEqual([...list].sort(byKey));
      }
    }

    async function act({ act: what, name, ms }: Step, journal: EventJournal): Promise<void> {
      const place = { namespace: "default", name };
      clock.advance(ms);
      switch (what) {
        case "write":
          await journal.change(uid, place, (current) => ({
            metadata: {},
            involvedObject: { name },
            count: (current?.count ?? 0) + 1,
          }));
          return;
        case "crash": {
          const crashing = journalOn(crashingAfter(ports.cells, 0));
          await crashing.change(uid, place, () => ({ metadata: {}, involvedObject: { name } })).catch(() => undefined);
          return;
        }
        case "delete":
          await journal.change(uid, place, (current) => current && undefined).catch(() => undefined);
          return;
        case "wait":
          return;
        default:
          what satisfies never;
      }
    }

    /** Comes back from `position`, or lists afresh where that is refused. */
    async function reopened(journal: EventJournal, position: string, picture: Map<string, CoreEvent>): Promise<EventFeed> {
      try {
        const { feed, missed } = await feedOn(journal, positionOf(position));
        for (const change of missed) take(picture, change);
        return feed;
      } catch (error) {
        if (!(error instanceof GoneError)) throw error;
        const { feed } = await feedOn(journal);
        picture.clear();
        for (const event of feed.events) picture.set(keyOf(event), event);
        return feed;
      }
    }
  });
}

const step = fc.record({
  process: fc.nat({ max: 1 }),
  act: fc.constantFrom(
    "write" as const,
    "write" as const,
    "write" as const,
    "crash" as const,
    "delete" as const,
    "wait" as const,
  ),
  name: fc.constantFrom("a", "b", "c", "d"),
  ms: fc.constantFrom(0, 0, 1, 5_000, eventMs / 2, eventMs, eventMs + expiredKeptMs),
  look: fc.constantFrom("no" as const, "poll" as const, "return" as const, "break" as const),
});
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

async function sequentially<T>(all: readonly T[], run: (each: T) => Promise<void>): Promise<void> {
  for (const each of all) await run(each);
}

/** What a reader hears of it whose connection breaks. */
const halfOf = <T>(all: readonly T[]): readonly T[] => all.slice(0, Math.ceil(all.length / 2));

const keyOf = ({ metadata }: CoreEvent): string => `${metadata.namespace}/${metadata.name}`;
const byKey = (one: CoreEvent, other: CoreEvent): number => (keyOf(one) < keyOf(other) ? -1 : 1);
const typed = ({ type, event }: EventChange): string => `${type} ${event.involvedObject.name}`;

function take(picture: Map<string, CoreEvent>, { type, event }: EventChange): void {
  if (type === "delete") picture.delete(keyOf(event));
  else picture.set(keyOf(event), event);
}

function positionOf(version: string, sequences = 0): EventPosition {
  const position = parseVersion(version);
  if (position === undefined) throw new Error(`${version} is no version`);
  return { sequence: position.revision + sequences, steps: position.place };
}

/** Cells that fail when an event's own cell is put for the nth time: as if the process ended there. */
function crashingAfter(cells: Cells, puts: number): Cells {
  let count = 0;
  const put = async (uid: string, wanted: CellPut) => {
    if (wanted.key.startsWith("event/") && count++ >= puts) throw new Error("crash");
    return cells.put(uid, wanted);
  };
  return { ...boundTo(cells), put };
}

const boundTo = (cells: Cells): Cells => ({
  put: (uid, put) => cells.put(uid, put),
  get: (uid, key) => cells.get(uid, key),
  delete: (uid, key, version) => cells.delete(uid, key, version),
  list: (uid, prefix, limit) => cells.list(uid, prefix, limit),
});
