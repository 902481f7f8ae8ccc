/**
 * The port for whoever wants to tell people what happened to an object: Kubernetes' EventRecorder. An event that repeats (the same object,
 * reason, message and source) is one event that counts.
 */
import { createHash } from "node:crypto";
import { timestamp } from "../../base/clock.ts";
import { type CoreEventContent, clusterWideNamespace, type ObjectReference } from "../../kinds/core-event.ts";
import type { WindlassObject } from "../../kinds/object.ts";
import type { EventJournal } from "./event-journal.ts";

export type EventToRecord = {
  readonly involvedObject: ObjectReference & { readonly name: string };
  readonly type: "Normal" | "Warning";
  /** One word, CamelCase, for programs. */
  readonly reason: string;
  /** For people; what is longer than messageCharactersMax is cut. */
  readonly message: string;
  readonly source: { readonly component: string; readonly host?: string };
};

export interface EventRecorder {
  /** Rejects when it may not have been written; whoever records decides whether that matters. To repeat it counts once more. */
  record(event: EventToRecord): Promise<void>;
}

/** Kubernetes: of an event's note. */
export const messageCharactersMax = 1_024;
/** Hex digits; they follow the object's name in the event's. */
const digestCharacters = 16;
/** A name has at most 253 characters. */
const baseCharactersMax = 253 - 1 - digestCharacters;

/** Records into the cluster of `uid`. */
export function eventRecorder(journal: EventJournal, uid: string): EventRecorder {
  return {
    async record(event) {
      const { involvedObject } = event;
      const namespace = involvedObject.namespace || clusterWideNamespace;
      await journal.change(uid, { namespace, name: nameOf(event) }, (current, now) => counted(event, current, timestamp(now)));
    },
  };
}

/** What an event says of the object that it is about. */
export function referenceTo({ apiVersion, kind, metadata }: WindlassObject): ObjectReference & { readonly name: string } {
  const { name, namespace, uid, resourceVersion } = metadata;
  return { apiVersion, kind, name, uid, resourceVersion, ...(namespace !== undefined && { namespace }) };
}

function counted(
  { involvedObject, type, reason, source, ...event }: EventToRecord,
  current: CoreEventContent | undefined,
  time: string,
): CoreEventContent {
  return {
    metadata: current?.metadata ?? {},
    involvedObject,
    type,
    reason,
    message: event.message.slice(0, messageCharactersMax),
    source,
    firstTimestamp: current?.firstTimestamp ?? time,
    lastTimestamp: time,
    count: (current?.count ?? 0) + 1,
    reportingComponent: source.component,
  };
}

function nameOf({ involvedObject, type, reason, message, source }: EventToRecord): string {
  const { kind, namespace, name, uid, fieldPath } = involvedObject;
  const same = [kind, namespace, name, uid, fieldPath, type, reason, message, source.component, source.host];
  const digest = createHash("sha256").update(JSON.stringify(same)).digest("hex").slice(0, digestCharacters);
  return `${name.slice(0, baseCharactersMax).replace(/[.-]+$/, "")}.${digest}`;
}
