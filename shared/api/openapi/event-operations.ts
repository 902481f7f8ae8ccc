/** Every operation on Kubernetes' core/v1 events, as operations.ts tells those on the kinds. */
import { coreVersion } from "../../kinds/core-event.ts";
import { metaNames } from "./definitions.ts";
import { eventGroupKind, eventNames } from "./event-definitions.ts";
import {
  deleteCollectionParameters,
  deleteParameters,
  listParameters,
  name,
  namespace,
  type Operation,
  type Parameter,
  type Path,
  writeParameters,
} from "./operations.ts";

const eventPatchTypes = ["application/json-patch+json", "application/merge-patch+json", "application/strategic-merge-patch+json"];

/** What events' paths answer to. */
export function eventPaths(): readonly Path[] {
  const base = `/api/${coreVersion}`;
  const collection = `${base}/namespaces/{namespace}/events`;
  const of = (verb: string, action: Operation["action"], method: Operation["method"], description: string) => ({
    id: `${verb}CoreV1NamespacedEvent`,
    action,
    method,
    description,
    kind: eventGroupKind,
    parameters: [] as readonly Parameter[],
    consumes: ["application/json"],
    answer: eventNames.event as string,
    code: "200" as const,
  });
  const list = { ...of("list", "list", "get", "List or watch events."), parameters: listParameters, answer: eventNames.list };
  const write = { parameters: writeParameters, body: eventNames.event };
  return [
    {
      path: `${base}/events`,
      parameters: [],
      operations: [{ ...list, id: "listCoreV1EventForAllNamespaces" }],
    },
    {
      path: collection,
      parameters: [namespace],
      operations: [
        list,
        { ...of("create", "post", "post", "Create an event."), ...write, code: "201" },
        {
          ...of("deleteCollection", "deletecollection", "delete", "Delete events."),
          id: "deleteCoreV1CollectionNamespacedEvent",
          parameters: deleteCollectionParameters,
          body: metaNames.deleteOptions,
          answer: eventNames.list,
        },
      ],
    },
    {
      path: `${collection}/{name}`,
      parameters: [namespace, name],
      operations: [
        of("read", "get", "get", "Read an event."),
        { ...of("replace", "put", "put", "Replace an event."), ...write },
        {
          ...of("patch", "patch", "patch", "Change an event."),
          parameters: writeParameters,
          body: metaNames.patch,
          consumes: eventPatchTypes,
        },
        {
          ...of("delete", "delete", "delete", "Delete an event."),
          parameters: deleteParameters,
          body: metaNames.deleteOptions,
          answer: metaNames.status,
        },
      ],
    },
  ];
}
