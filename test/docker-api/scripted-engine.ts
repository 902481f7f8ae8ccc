/** A simulated engine whose raw requests are noted, and answered by the test where it wants to. */
import { Readable } from "node:stream";
import { systemClock } from "../../shared/base/clock.ts";
import { systemIds } from "../../shared/base/ids.ts";
import type { StreamCall } from "../../shared/fleet/engine/call.ts";
import type { RawAnswer, RawRequest, RawUpgrade } from "../../shared/fleet/engine/raw.ts";
import type { Engine } from "../../shared/fleet/engine.ts";
import type { OpenEngine } from "../../shared/fleet/nodes/engines.ts";
import { SimulatedEngine } from "../../shared/fleet/simulated/engine.ts";

export type Script = {
  /** The versions that it speaks. Default: 1.12 to 1.41. */
  readonly versions?: { readonly MinAPIVersion: string; readonly ApiVersion: string };
  /** undefined: the simulated engine answers. */
  readonly forward?: (request: RawRequest, call: StreamCall) => Promise<RawAnswer | undefined>;
  readonly upgrade?: (request: RawRequest, call: StreamCall) => Promise<RawUpgrade | undefined>;
  /** In place of the simulated engine's own. */
  readonly events?: (own: Engine["system"]["events"]) => Engine["system"]["events"];
};

export type ScriptedEngine = {
  readonly simulated: SimulatedEngine;
  /** In the order in which they came. */
  readonly asked: RawRequest[];
  /** How often it was asked for its version. */
  versionsAsked: number;
  readonly open: OpenEngine;
};

export function scriptedEngine({ versions, forward, upgrade, events = (own) => own }: Script = {}): ScriptedEngine {
  const simulated = new SimulatedEngine({
    address: "tcp://10.0.0.1:2375",
    clock: systemClock,
    random: systemIds.random,
    timeoutMs: 2_000,
  });
  const engine = simulated.open();
  const scripted: Engine = {
    ...engine,
    system: {
      ...engine.system,
      events: events(engine.system.events),
      version: async (call) => {
        made.versionsAsked += 1;
        return { ...(await engine.system.version(call)), ...versions };
      },
    },
    raw: {
      forward: async (request, call = {}) => {
        made.asked.push(request);
        return (await forward?.(request, call)) ?? (await engine.raw.forward(request, call));
      },
      upgrade: async (request, call = {}) => {
        made.asked.push(request);
        return (await upgrade?.(request, call)) ?? (await engine.raw.upgrade(request, call));
      },
    },
  };
  const made: ScriptedEngine = { simulated, asked: [], versionsAsked: 0, open: async () => scripted };
  return made;
}

export const rawAnswer = (status: number, value: unknown, headers: RawAnswer["headers"] = {}): RawAnswer => ({
  status,
  headers: { "content-type": "application/json", ...headers },
  body: Readable.from([Buffer.from(JSON.stringify(value))], { objectMode: false }),
});
