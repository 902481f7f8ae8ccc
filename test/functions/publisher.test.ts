/** The publisher's handler: whatever its wake-ups and its bus do, rows, markers and events end as the log says. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { publishHandler } from "../../functions/publisher/publish.ts";
import { type Installation, install, makeCluster, writeNodes } from "./installation.ts";
import { MemoryBus, refused, taken } from "./memory-bus.ts";
import { entriesOf, expectSettled, idsOf } from "./settled.ts";
import { contextOf, recordOf } from "./stream.ts";

const wake = async (installation: Installation, Records: readonly unknown[]) => {
  const workshop = await installation.open();
  return publishHandler(async () => workshop)({ Records }, contextOf(60_000));
};

describe("wake-ups", () => {
  it("that are lost, doubled, shuffled or late all come to the same", async () => {
    await fc.assert(
      fc.asyncProperty(fc.infiniteStream(fc.nat(99)), async (numbers) => {
        const next = (max: number): number => (numbers.next().value ?? 0) % max;
        const installation = await install();
        const store = await makeCluster(installation, "a");
        await writeNodes(store, 4);
        const { records } = installation;
        const late = [...records];
        const shaken = records.flatMap((record) => [[], [record], [record, record]][next(3)] ?? []);
        shaken.sort(() => next(3) - 1);
        while (shaken.length > 0) await wake(installation, shaken.splice(0, 1 + next(5)));
        await writeNodes(await makeCluster(installation, "b"), 1);
        await wake(installation, [...late, recordOf(store.uid, store.revision)]);
        await expectSettled(installation.ports, store.uid, installation.bus.taken);
      }),
      { numRuns: 20 },
    );
  });

  it("of what is no life any more, or no record, hold up nothing", async () => {
    const installation = await install();
    const store = await makeCluster(installation, "a");
    await writeNodes(store, 1);
    const strange = [
      recordOf("no-such-life", 1),
      null,
      { dynamodb: {} },
      { dynamodb: { Keys: { c: { N: "1" } }, SequenceNumber: "1" } },
    ];
    expect(await wake(installation, [...strange, recordOf(store.uid, 1)])).toEqual({ batchItemFailures: [] });
    await expectSettled(installation.ports, store.uid, installation.bus.taken);
    expect(await (await installation.open()).notes.list(10)).toEqual([]);
  });
});

describe("a crash between two steps", () => {
  it.each([false, true])("of any number is made good by the next wake-up (the last step was done: %s)", async (after) => {
    let steps = 0;
    for (let ended = false; !ended; steps += 1) {
      const installation = await install();
      const store = await makeCluster(installation, "a");
      await writeNodes(store, 3);
      const fault = { left: Number.POSITIVE_INFINITY, after };
      const workshop = await installation.open(fault);
      fault.left = steps;
      const Records = [recordOf(store.uid, store.revision)];
      await publishHandler(async () => workshop)({ Records }, contextOf(60_000));
      ended = fault.left >= 0;
      await wake(installation, Records);
      await expectSettled(installation.ports, store.uid, installation.bus.taken);
    }
    expect(steps).toBeGreaterThan(6);
  });
});

describe("a cluster that fails", () => {
  const twoClusters = async () => {
    const bus = new MemoryBus();
    const installation = await install({ bus });
    const [good, bad] = [await makeCluster(installation, "good"), await makeCluster(installation, "bad")];
    await writeNodes(good, 2);
    await writeNodes(bad, 2);
    bus.fault = (events) => events.map(({ id }) => (id.startsWith(bad.uid) ? refused : taken));
    return { bus, installation, good, bad };
  };

  it("is noted, fails no batch, and holds up no other; its rows get on", async () => {
    const { bus, installation, good, bad } = await twoClusters();
    const Records = [bad, good].map(({ uid, revision }) => recordOf(uid, revision));
    expect(await wake(installation, Records)).toEqual({ batchItemFailures: [] });
    await expectSettled(installation.ports, good.uid, bus.taken);
    const entries = await entriesOf(installation.ports, bad.uid);
    const first = entries[0]?.revision ?? 0;
    expect(await installation.ports.objects.markers(bad.uid)).toMatchObject({ applied: bad.revision, published: first - 1 });
    expect(await (await installation.open()).notes.list(10)).toEqual([{ uid: bad.uid, sweep: false, version: 1 }]);
    bus.fault = undefined;
    await wake(installation, Records);
    await expectSettled(installation.ports, bad.uid, bus.taken);
  });

  it("and can't be noted either, makes its record the batch's first failure", async () => {
    const { installation, good, bad } = await twoClusters();
    const workshop = await installation.open();
    const notes = { add: () => Promise.reject(new Error("no table")) };
    const Records = [good, bad, good, bad].map(({ uid, revision }) => recordOf(uid, revision));
    const handler = publishHandler(async () => ({ ...workshop, notes }) as unknown as typeof workshop);
    expect(await handler({ Records }, contextOf(60_000))).toEqual({
      batchItemFailures: [{ itemIdentifier: Records[1]?.dynamodb.SequenceNumber }],
    });
  });

  it("for want of time is noted", async () => {
    const { installation, good } = await twoClusters();
    const workshop = await installation.open();
    await publishHandler(async () => workshop)({ Records: [recordOf(good.uid, 1)] }, contextOf(1_000));
    expect(await workshop.notes.list(10)).toMatchObject([{ uid: good.uid }]);
    expect(await installation.ports.objects.markers(good.uid)).not.toMatchObject({ applied: good.revision });
  });
});

describe("the bus", () => {
  it("gets those alone again that it refused", async () => {
    const bus = new MemoryBus();
    const installation = await install({ bus });
    const store = await makeCluster(installation, "a");
    await writeNodes(store, 2);
    const puts: string[][] = [];
    bus.fault = (events) => {
      puts.push(events.map(({ id }) => id));
      return events.map((_, index) => (puts.length === 1 && index === 2 ? refused : taken));
    };
    await wake(installation, [recordOf(store.uid, store.revision)]);
    await expectSettled(installation.ports, store.uid, bus.taken);
    expect(puts.flat().filter((id, index, all) => all.indexOf(id) !== index)).toEqual([puts[0]?.[2]]);
    expect(puts).toContainEqual([puts[0]?.[2]]);
  });

  it("is tried a bounded number of times, and waited for longer each time", async () => {
    const bus = new MemoryBus();
    const installation = await install({ bus });
    const store = await makeCluster(installation, "a");
    await writeNodes(store, 1);
    const times: number[] = [];
    bus.fault = () => {
      times.push(installation.clock.ms);
      throw new Error("out");
    };
    await wake(installation, [recordOf(store.uid, store.revision)]);
    expect(times).toHaveLength(6);
    const waits = times.slice(1).map((time, index) => time - (times[index] ?? 0));
    expect(waits.map((wait, index) => wait >= 50 * 2 ** index && wait <= 100 * 2 ** index)).toEqual(waits.map(() => true));
  });

  it("gets CloudEvents: one for each change in its order, then the commit", async () => {
    const installation = await install();
    const store = await makeCluster(installation, "a");
    await writeNodes(store, 2);
    await wake(installation, [recordOf(store.uid, store.revision)]);
    const events = installation.bus.taken.filter(({ id }) => id.startsWith(store.uid)).map(({ detail }) => JSON.parse(detail));
    const [created, commit, updated] = events;
    const revision = Number(created.data.revision);
    expect(created).toMatchObject({
      specversion: "1.0",
      id: `${store.uid}/${revision}/0`,
      source: "/clusters/a",
      type: "dev.windlass.object.created",
      subject: "nodes/node-0",
      data: {
        cluster: "a",
        uid: store.uid,
        index: 0,
        action: "create",
        kind: "Node",
        name: "node-0",
        actor: "test",
        url: "/clusters/a/apis/windlass.dev/v1/nodes/node-0",
      },
    });
    expect(created.data.object).toMatchObject({ kind: "Node", metadata: { name: "node-0" } });
    expect(created.data).not.toHaveProperty("previous");
    expect(commit).toMatchObject({
      id: `${store.uid}/${revision}/1`,
      type: "dev.windlass.commit",
      data: { revision, index: 1, changes: 1 },
    });
    expect(updated.data).toMatchObject({
      action: "update",
      object: { metadata: { labels: { a: "b" } } },
      previous: { metadata: { name: "node-0" } },
    });
    expect(events.find(({ data }) => data.action === "delete")?.data).toMatchObject({ object: { metadata: { name: "node-1" } } });
  });

  it("gets an event that is too large without its objects, and it says so", async () => {
    const bus = new MemoryBus({ putBytesMax: 4_000 });
    const installation = await install({ bus });
    const store = await makeCluster(installation, "a");
    await writeNodes(store, 2, "x".repeat(4_000));
    await wake(installation, [recordOf(store.uid, store.revision)]);
    await expectSettled(installation.ports, store.uid, bus.taken);
    const first = bus.taken.find(({ id }) => id.startsWith(store.uid));
    const { data } = JSON.parse(first?.detail ?? "{}");
    expect(data).toMatchObject({
      omitted: ["object", "previous"],
      url: "/clusters/a/apis/windlass.dev/v1/nodes/node-0",
      action: "create",
    });
    expect(data).not.toHaveProperty("object");
    expect(idsOf(bus.taken, store.uid).size).toBeGreaterThan(5);
  });
});
