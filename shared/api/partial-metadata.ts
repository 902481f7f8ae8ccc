/** PartialObjectMetadata (meta.k8s.io): an object's kind of itself and its metadata, for clients that need no more. */
import { jsonText } from "../base/json.ts";

type Described = { readonly metadata: object };
export type MetaVersion = "v1" | "v1beta1";

/** Its text is kept with the metadata: for what many ask for, like an event. */
export const partialText = ({ metadata }: Described, version: MetaVersion): string => wrapped(jsonText(metadata), version);

/** For lists, whose objects' texts would otherwise be kept twice. */
export const passingPartialText = ({ metadata }: Described, version: MetaVersion): string =>
  wrapped(JSON.stringify(metadata), version);

const wrapped = (metadata: string, version: MetaVersion): string =>
  `{"kind":"PartialObjectMetadata","apiVersion":"meta.k8s.io/${version}","metadata":${metadata}}`;
