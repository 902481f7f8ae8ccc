/**
 * Discovery and OpenAPI as answers. The documents follow from the registry alone: they are made when they are first asked for, kept,
 * and clients are told when they have them already.
 */

import { gzipSync } from "node:zlib";
import { type ApiRequest, type ApiResponse, respond } from "../http/exchange.ts";
import type { Registry } from "../kinds/registry.ts";
import {
  acceptedAggregation,
  aggregatedType,
  apiGroup,
  apiGroupList,
  apiResourceList,
  coreDiscovery,
  coreResourceList,
  coreVersions,
  groupDiscovery,
  type Place,
  versionInfo,
} from "./discovery.ts";
import { RefusedError } from "./errors.ts";
import { type ForeignGroup, foreignGroup, foreignResources } from "./foreign-groups.ts";
import { etagOf } from "./openapi/document.ts";
import { openApiV2, openApiV2Protobuf, openApiV2ProtobufAccepts, openApiV2ProtobufType } from "./openapi/v2.ts";
import { type OpenApiV3, openApiV3 } from "./openapi/v3.ts";
import { statusCodes } from "./status.ts";
import { acceptsGzip } from "./text-body.ts";

type Content = { readonly body: string | Uint8Array<ArrayBuffer>; readonly etag: string; readonly type: string };

const jsonType = "application/json";
/** Smaller ones fit a few packets as they are. */
const zippedBytesMin = 4 * 1024;

/** The documents of the root, or of one cluster among many. */
export class Documents {
  readonly #registry: Registry;
  readonly #place: Place;
  readonly #release: string;
  readonly #kept = new Map<string, Content>();
  readonly #keptZipped = new Map<string, Uint8Array<ArrayBuffer>>();
  #v3: OpenApiV3 | undefined;

  constructor(registry: Registry, place: Place, release: string) {
    this.#registry = registry;
    this.#place = place;
    this.#release = release;
  }

  version(request: ApiRequest): ApiResponse {
    return this.#json(request, "version", () => versionInfo(this.#release));
  }

  /** `/api`. */
  coreResources(request: ApiRequest): ApiResponse {
    return this.#json(request, "core resources", coreResourceList);
  }

  core(request: ApiRequest): ApiResponse {
    const aggregated = acceptedAggregation(request.header("accept") ?? "");
    if (aggregated === undefined) return this.#json(request, "core", coreVersions);
    return this.#json(request, `core ${aggregated}`, () => coreDiscovery(aggregated), aggregatedType(aggregated));
  }

  /** `/apis`. */
  groups(request: ApiRequest): ApiResponse {
    const aggregated = acceptedAggregation(request.header("accept") ?? "");
    if (aggregated === undefined) return this.#json(request, "groups", apiGroupList);
    const make = () => groupDiscovery(this.#registry, this.#place, aggregated);
    return this.#json(request, `groups ${aggregated}`, make, aggregatedType(aggregated));
  }

  /** `/apis/windlass.dev`. */
  group(request: ApiRequest): ApiResponse {
    return this.#json(request, "group", apiGroup);
  }

  /** `/apis/windlass.dev/v1`. */
  resources(request: ApiRequest): ApiResponse {
    return this.#json(request, "resources", () => apiResourceList(this.#registry, this.#place));
  }

  /** `/apis/<group>` of one of Kubernetes' own groups. */
  foreignGroup(request: ApiRequest, group: ForeignGroup): ApiResponse {
    return this.#json(request, `group ${group}`, () => ({ kind: "APIGroup", apiVersion: "v1", ...foreignGroup(group) }));
  }

  /** `/apis/<group>/v1`. */
  foreignResources(request: ApiRequest, group: ForeignGroup): ApiResponse {
    return this.#json(request, `resources ${group}`, () => foreignResources(group));
  }

  openApiV2(request: ApiRequest): ApiResponse {
    const accept = request.header("accept") ?? "";
    if (openApiV2ProtobufAccepts.some((type) => accept.includes(type))) {
      return this.#answer(request, "v2 protobuf", () => {
        const { bytes, etag } = openApiV2Protobuf(this.#registry, this.#place);
        return { body: new Uint8Array(bytes), etag, type: openApiV2ProtobufType };
      });
    }
    return this.#answer(request, "v2", () => {
      const { text, etag } = openApiV2(this.#registry, this.#place);
      return { body: text, etag, type: jsonType };
    });
  }

  /** `/openapi/v3`. */
  openApiV3Index(request: ApiRequest): ApiResponse {
    const { text, etag } = this.#openApiV3().index;
    return this.#answer(request, "v3", () => ({ body: text, etag, type: jsonType }));
  }

  /** `/openapi/v3/<path>`. @throws RefusedError when there is no such document. */
  openApiV3(request: ApiRequest, path: string): ApiResponse {
    const document = this.#openApiV3().documents.get(path);
    if (document === undefined) throw new RefusedError({ kind: "noRoute" });
    return this.#answer(request, `v3 ${path}`, () => ({ body: document.text, etag: document.etag, type: jsonType }));
  }

  #openApiV3(): OpenApiV3 {
    this.#v3 ??= openApiV3(this.#registry, this.#place);
    return this.#v3;
  }

  #json(request: ApiRequest, key: string, make: () => object, type = jsonType): ApiResponse {
    return this.#answer(request, key, () => {
      const body = JSON.stringify(make());
      return { body, etag: etagOf(body), type };
    });
  }

  #answer(request: ApiRequest, key: string, make: () => Content): ApiResponse {
    let content = this.#kept.get(key);
    if (content === undefined) {
      content = make();
      this.#kept.set(key, content);
    }
    const { etag, type } = content;
    const headers = { etag, vary: "Accept, Accept-Encoding", "cache-control": "no-cache, private" };
    if (request.header("if-none-match") === etag) return respond(null, { status: statusCodes.notModified, headers });
    const isZipped = content.body.length >= zippedBytesMin && acceptsGzip(request.header("accept-encoding"));
    return respond(isZipped ? this.#zipped(key, content.body) : content.body, {
      status: statusCodes.ok,
      headers: { ...headers, "content-type": type, ...(isZipped && { "content-encoding": "gzip" }) },
    });
  }

  /** Made once: documents do not change. */
  #zipped(key: string, body: Content["body"]): Uint8Array<ArrayBuffer> {
    let zipped = this.#keptZipped.get(key);
    if (zipped === undefined) {
      zipped = new Uint8Array(gzipSync(body));
      this.#keptZipped.set(key, zipped);
    }
    return zipped;
  }
}
