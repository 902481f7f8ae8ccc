/** The definitions of Kubernetes' core/v1 events, from their schema (kinds/core-event.ts), under Kubernetes' names. */
import { coreEventKind, coreEventSchema, coreVersion } from "../../kinds/core-event.ts";
import { type OpenApiSchema, openApiSchema } from "../../kinds/open-api-schema.ts";
import {
  type Definitions,
  kindField,
  metaDefinitions,
  metaNames,
  objectMeta,
  reference,
  undescribed,
  versionField,
} from "./definitions.ts";

const core = "io.k8s.api.core.v1";
export const eventNames = {
  event: `${core}.Event`,
  list: `${core}.EventList`,
  reference: `${core}.ObjectReference`,
  source: `${core}.EventSource`,
  series: `${core}.EventSeries`,
} as const;
export const eventGroupKind = { group: "", kind: coreEventKind.kind, version: coreVersion } as const;

/** Kubernetes' core/v1 events; its own definitions, in the order of their names, with the meta types that they refer to. */
export function eventDefinitions(): Definitions {
  const event = openApiSchema(coreEventSchema);
  const { involvedObject, source, series, related } = event.properties ?? {};
  const named = { [eventNames.reference]: involvedObject, [eventNames.source]: source, [eventNames.series]: series };
  const referred = (name: string, part: OpenApiSchema | undefined) => reference(name, part?.description);
  const entries: (readonly [string, OpenApiSchema])[] = [
    ...Object.entries(metaDefinitions),
    ...Object.entries(named).flatMap(([name, part]) => (part === undefined ? [] : [[name, undescribed(part)] as const])),
    [
      eventNames.event,
      {
        ...event,
        description: "What happened to an object, for people. Kept for an hour.",
        properties: {
          ...event.properties,
          metadata: reference(metaNames.objectMeta, objectMeta.description),
          involvedObject: referred(eventNames.reference, involvedObject),
          related: referred(eventNames.reference, related),
          source: referred(eventNames.source, source),
          series: referred(eventNames.series, series),
        },
        "x-kubernetes-group-version-kind": [eventGroupKind],
      },
    ],
    [
      eventNames.list,
      {
        type: "object",
        description: "A list of events.",
        required: ["items"],
        properties: {
          apiVersion: versionField,
          kind: kindField,
          metadata: reference(metaNames.listMeta, "The place in the order of events that the list was read at."),
          items: { type: "array", description: "The events.", items: { $ref: eventNames.event } },
        },
        "x-kubernetes-group-version-kind": [{ ...eventGroupKind, kind: `${coreEventKind.kind}List` }],
      },
    ],
  ];
  return Object.fromEntries(entries.sort(([one], [other]) => (one < other ? -1 : 1)));
}
