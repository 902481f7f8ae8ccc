/**
 * An entry as CloudEvents 1.0: one for each of its changes, in their order, and one that ends the commit. Ids are the log's own
 * (`<uid>/<revision>/<index>`), so an event that is made again is the same; whoever needs order, or wants to see gaps, has the revision.
 */
import { type JsonObject, jsonText } from "../base/json.ts";
import { apiVersion } from "../kinds/object.ts";
import type { Entry } from "../log/ports.ts";
import { type Happening, happenings, shape } from "../state/event.ts";
import type { BusEvent } from "./event-bus.ts";

/** Whose log it is. `name` undefined: the root's. */
export type EventSource = { readonly uid: string; readonly name: string | undefined };

const objectType = "dev.windlass.object";
const commitType = "dev.windlass.commit";
const pastTense = { create: "created", update: "updated", delete: "deleted" } as const;

/** `fits` says whether an event is small enough for the bus; one that is not goes without its objects, and says so. */
export function* eventsOf(source: EventSource, entry: Entry, fits: (event: BusEvent) => boolean): Generator<BusEvent, void> {
  for (const [index, happening] of happenings(entry).entries()) {
    const whole = changeEvent(source, entry, { happening, index, isWhole: true });
    yield fits(whole) ? whole : changeEvent(source, entry, { happening, index, isWhole: false });
  }
  yield commitEvent(source, entry);
}

type Of = { readonly happening: Happening; readonly index: number; readonly isWhole: boolean };

function changeEvent(source: EventSource, entry: Entry, { happening, index, isWhole }: Of): BusEvent {
  const { action, kind, key, resourceVersion } = happening;
  const event = shape(happening, action);
  const [plural = "", ...rest] = key.split("/");
  const [name = "", namespace] = rest.toReversed();
  const path = `${basePath(source)}/apis/${apiVersion}/${namespace === undefined ? "" : `namespaces/${namespace}/`}${plural}/${name}`;
  const bodies = [
    ...(event === undefined ? [] : [`"object":${jsonText(event.object)}`]),
    ...(event?.previous === undefined ? [] : [`"previous":${jsonText(event.previous)}`]),
  ];
  const fields = {
    action,
    kind,
    ...(namespace !== undefined && { namespace }),
    name,
    objectUid: event?.object.metadata.uid,
    resourceVersion,
    url: path,
    // What is left out can be had at the url.
    ...(!isWhole && { omitted: ["object", "previous"] }),
  };
  const type = `${objectType}.${pastTense[action]}`;
  return cloudEvent(source, entry, { type, index, subject: key, fields, bodies: isWhole ? bodies : [] });
}

function commitEvent(source: EventSource, entry: Entry): BusEvent {
  const { changes, seal } = entry;
  const fields = { action: "commit", transaction: entry.id, changes: changes.length, ...(seal === true && { sealed: true }) };
  return cloudEvent(source, entry, { type: commitType, index: changes.length, fields, bodies: [] });
}

type Parts = {
  readonly type: string;
  readonly index: number;
  readonly subject?: string;
  /** What `data` says beside the entry's own. */
  readonly fields: JsonObject;
  /** Members of `data` whose texts are kept with their values. */
  readonly bodies: readonly string[];
};

function cloudEvent(source: EventSource, entry: Entry, { type, index, subject, fields, bodies }: Parts): BusEvent {
  const { uid, name } = source;
  const { revision, time, actor } = entry;
  const id = `${uid}/${revision}/${index}`;
  const attributes = {
    specversion: "1.0",
    id,
    source: name === undefined ? "/" : basePath(source),
    type,
    time: new Date(time).toISOString(),
    ...(subject !== undefined && { subject }),
    datacontenttype: "application/json",
  };
  const data = { ...(name !== undefined && { cluster: name }), uid, revision, index, actor, ...fields };
  const members = [JSON.stringify(data).slice(1, -1), ...bodies].join(",");
  return { id, type, time, detail: `${JSON.stringify(attributes).slice(0, -1)},"data":{${members}}}` };
}

/** Where the cluster's objects are, from the interface's base. Clusters themselves are at the root only. */
const basePath = ({ name }: EventSource): string => (name === undefined ? "" : `/clusters/${name}`);
