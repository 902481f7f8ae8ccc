/**
 * `docker events`: the events of all nodes as one stream. Nodes that come are listened to from then on, those that go no more; those that
 * break off are taken up again where they were. What lies wholly in the past is told in its order, what comes as it comes.
 */
import { waitUntil } from "../../base/clock.ts";
import type { JsonObject } from "../../base/json.ts";
import { nodeKind } from "../../kinds/node.ts";
import { onAny } from "../../state/event.ts";
import { follow } from "../../state/follow.ts";
import { answerMsMax, mustStream } from "../buffered.ts";
import type { Call } from "../call.ts";
import { badParameter, DockerError } from "../errors.ts";
import type { DockerAnswer } from "../exchange.ts";
import { nodesOf } from "../fan-out.ts";
import { filtersOf } from "../filters.ts";
import { seconds } from "../query.ts";
import { rows, type Send, type Work } from "../rows.ts";
import { type EventFilter, eventFilter, eventFilters } from "./event-filter.ts";
import { EventNames } from "./event-names.ts";
import { followNode, type NodeEventsOptions } from "./node-events.ts";
import { NodeStreams } from "./node-streams.ts";

/** What is looked at again, whatever was heard of nodes. */
const everyMs = 60_000;
/** Past events that are put in order: 1,000 nodes with the 256 that an engine keeps. */
const pastMax = 256_000;
/** A node that does not answer holds up the past for so long. */
const pastMs = 15_000;
/** Engines have a clock of their own, and what they told last is still on its way. */
const graceMs = 500;

type Period = { readonly since: number | undefined; readonly until: number | undefined; readonly filter: EventFilter };
type Listener = { readonly send: Send; readonly signal: AbortSignal };

export async function events(call: Call): Promise<DockerAnswer> {
  const { clock, listeners } = call.front;
  const [since, until] = [seconds(call.query, "since"), seconds(call.query, "until")];
  if (since !== undefined && until !== undefined && until < since)
    throw badParameter("`since` time cannot be after `until` time");
  const filter = eventFilter(filtersOf(call.query, eventFilters));
  const endsInMs = until === undefined ? Number.POSITIVE_INFINITY : until * 1_000 - clock.now();
  if (endsInMs > answerMsMax) mustStream(call, "events without an end that is near (--until)", (await nodesOf(call)).nodes);
  const leave = listeners.enter();
  if (leave === undefined) throw new DockerError(503, "there are too many listeners already", { "retry-after": "10" });
  const tell = endsInMs <= 0 ? past : live;
  const work: Work = (send, signal) => tell(call, { since, until, filter }, { send, signal }).finally(leave);
  return await rows(call, work, { isEager: true });
}

/** All that engines still have of it, in the order in which it happened. */
async function past(call: Call, period: Period, { send, signal }: Listener): Promise<void> {
  const gathered: JsonObject[] = [];
  const { enough, over } = within(call, pastMs, signal);
  const tell = async (event: JsonObject): Promise<void> => {
    if (gathered.length < pastMax) gathered.push(event);
  };
  const { nodes } = await nodesOf(call, period.filter.nodes);
  const options = optionsOf(call, period, tell);
  try {
    await Promise.all(nodes.map((node) => followNode(node, options, enough)));
  } finally {
    over.abort();
  }
  signal.throwIfAborted();
  for (const event of gathered.sort((one, other) => Number(one["timeNano"]) - Number(other["timeNano"]))) await send(event);
}

/** Until `until`, or until somebody leaves. */
async function live(call: Call, period: Period, { send, signal }: Listener): Promise<void> {
  const { clock, logger } = call.front;
  const leftMs = period.until === undefined ? undefined : Math.max(0, period.until * 1_000 - clock.now()) + graceMs;
  const { enough, over } = within(call, leftMs, signal);
  const streams = new NodeStreams(optionsOf(call, period, send), enough, () => over.abort());
  const look = async (): Promise<void> => streams.set((await nodesOf(call, period.filter.nodes)).nodes);
  const { store } = call.ground;
  await follow({ store, clock, logger, name: "docker events", specifiers: onAny(nodeKind), everyMs, look }, enough);
  over.abort();
  await streams.end();
  signal.throwIfAborted();
  if (streams.failure !== undefined) throw streams.failure;
}

/** `enough` aborts after `ms` (undefined: never), when `over` does, or with `signal`. */
function within(
  { front }: Call,
  ms: number | undefined,
  signal: AbortSignal,
): { readonly enough: AbortSignal; readonly over: AbortController } {
  const over = new AbortController();
  const enough = AbortSignal.any([signal, over.signal]);
  if (ms !== undefined) {
    waitUntil(front.clock, front.clock.now() + ms, enough).then(
      () => over.abort(),
      () => undefined, // it was over before
    );
  }
  return { enough, over };
}

function optionsOf(call: Call, { since, until, filter }: Period, tell: (event: JsonObject) => Promise<void>): NodeEventsOptions {
  const { clock, logger } = call.front;
  const names = new EventNames(call.ground.store, call.front.names);
  return {
    engines: call.ground.engines,
    clock,
    logger,
    since,
    until,
    filters: filter.forEngines,
    onEvent: async (event, node) => {
      const shown = await names.shown(event, node);
      if (filter.matches(shown)) await tell(shown);
    },
  };
}
