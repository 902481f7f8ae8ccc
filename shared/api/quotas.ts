/** What goes beyond a cluster's bounds (state/quota/meter.ts), refused in the words of Kubernetes' ResourceQuota. */
import { group } from "../kinds/object.ts";
import type { QuotaExceededError } from "../state/errors.ts";
import { RefusedError } from "./errors.ts";

/** `more`: what else is to be said, after all. */
export function quotaRefusal({ key, message }: QuotaExceededError, more = ""): RefusedError {
  const resource = key.slice(0, key.indexOf("/"));
  const name = key.slice(key.lastIndexOf("/") + 1);
  return new RefusedError({
    kind: "forbidden",
    message: `${resource}.${group} "${name}" is forbidden: ${message}${more}`,
    resource,
    name,
  });
}
