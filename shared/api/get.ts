/** GET of one object, and of its status: the newest state there is. */

import type { ApiResponse } from "../http/exchange.ts";
import { checkName, checkNamespace } from "../kinds/names.ts";
import { type ItemCall, inStore } from "./call.ts";
import { notFound } from "./errors.ts";
import { checkReadVersion, parseReadVersion } from "./list-options.ts";
import { checkShape } from "./negotiate.ts";
import { presentObject } from "./present.ts";

export function getObject(call: ItemCall): Promise<ApiResponse> {
  return inStore(call, "get", async (store) => {
    const { definition, name, namespace, query } = call;
    checkPlace(call);
    const wanted = parseReadVersion(query("resourceVersion"));
    const { value, revision } = await store.view((transaction) => transaction.of(definition).get(name, namespace));
    if (wanted !== undefined) checkReadVersion(store, wanted, revision);
    if (value === undefined) throw notFound(definition, name);
    return presentObject(call, value, { revision });
  });
}

/** What can't be a name is nobody's name, and one object no list. @throws RefusedError: not found, not acceptable. */
export function checkPlace({
  definition,
  name,
  namespace,
  format,
}: Pick<ItemCall, "definition" | "name" | "namespace" | "format">): void {
  const errors = [...checkName(name), ...(namespace === undefined ? [] : checkNamespace(namespace))];
  if (errors.length > 0) throw notFound(definition, name);
  checkShape(format, { isList: false });
}
