/** The bus' conformance: in memory, and the EventBridge adapter before a server that answers as EventBridge does. */
import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { describe, expect, it } from "vitest";
import { EventBridgeBus, openEventBridge } from "../../shared/routes/targets/event-bridge.ts";
import { type BusSubject, busConformance, event } from "../conformance/event-bus.ts";
import { localConfig } from "../localstack/tables.ts";
import { MemoryBus, refused, taken } from "./memory-bus.ts";

busConformance("the bus in memory", async () => {
  const bus = new MemoryBus();
  const next = (fault: NonNullable<MemoryBus["fault"]>): void => {
    bus.fault = (events) => {
      bus.fault = undefined;
      return fault(events);
    };
  };
  return {
    bus,
    taken: async () => bus.taken.map(({ detail }) => detail),
    refuse: (places) => next((events) => events.map((_, place) => (places.includes(place) ? refused : taken))),
    breakOff: () =>
      next(() => {
        throw new Error("the connection broke");
      }),
    close: async () => undefined,
  };
});

type Asked = { readonly Entries: readonly Entry[] };
type Entry = {
  readonly Detail: string;
  readonly DetailType: string;
  readonly Source: string;
  readonly EventBusName: string;
  readonly Time: number;
};
type Fault = { readonly places: readonly number[] } | "break";

class EventBridgeServer {
  readonly asked: Asked[] = [];
  readonly taken: Entry[] = [];
  fault: Fault | undefined;
  readonly #server = createServer((request, response) => void this.#answer(request, response));

  async listen(): Promise<string> {
    this.#server.listen(0, "127.0.0.1");
    await once(this.#server, "listening");
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, "close");
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk);
    const body = JSON.parse(Buffer.concat(chunks).toString()) as Asked;
    const { fault } = this;
    this.fault = undefined;
    if (fault === "break") return void response.destroy();
    this.asked.push(body);
    const places = fault?.places ?? [];
    const Entries = body.Entries.map((entry, place) => {
      if (places.includes(place)) return { ErrorCode: "ThrottlingException", ErrorMessage: "later" };
      this.taken.push(entry);
      return { EventId: `id-${this.taken.length}` };
    });
    response.setHeader("content-type", "application/x-amz-json-1.1");
    response.end(JSON.stringify({ Entries, FailedEntryCount: places.length }));
  }
}

async function openServed(): Promise<BusSubject & { readonly server: EventBridgeServer }> {
  const server = new EventBridgeServer();
  const client = openEventBridge(localConfig(await server.listen()));
  return {
    server,
    bus: new EventBridgeBus({ client, bus: "changes" }),
    taken: async () => server.taken.map(({ Detail }) => Detail),
    refuse: (places) => {
      server.fault = { places };
    },
    breakOff: () => {
      server.fault = "break";
    },
    close: async () => {
      client.destroy();
      await server.close();
    },
  };
}

busConformance("the bus on EventBridge", openServed);

describe("the bus on EventBridge", () => {
  it("names bus, source, type and time, and asks once", async () => {
    const { server, bus, close } = await openServed();
    const one = event();
    await bus.put([one]);
    const wanted = {
      EventBusName: "changes",
      Source: "windlass",
      DetailType: one.type,
      Detail: one.detail,
      Time: one.time / 1_000,
    };
    expect(server.asked).toEqual([{ Entries: [wanted] }]);
    server.fault = "break";
    await expect(bus.put([one])).rejects.toThrow();
    expect(server.asked).toHaveLength(1);
    await close();
  });
});
