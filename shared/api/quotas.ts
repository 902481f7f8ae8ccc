/** A cluster's bounds on what its clients write, in the words of Kubernetes' ResourceQuota. Deletions are always let through. */
import { group } from "../kinds/object.ts";
import type { Meter } from "../state/quota/meter.ts";
import type { Transaction } from "../state/transaction.ts";
import { RefusedError } from "./errors.ts";
import type { Write } from "./write.ts";

/** To be asked after the write's changes, in its transaction. @throws RefusedError: forbidden. */
export function checkQuotas(
  meter: Meter,
  { definition, name, operation }: Pick<Write, "definition" | "name" | "operation">,
  transaction: Transaction,
): void {
  if (operation === "delete" || !meter.isCounting) return;
  const excess = meter.excess(transaction.growth, transaction.ahead);
  if (excess === undefined) return;
  const { resource, requested, used, limited } = excess;
  const said = `requested: ${resource}=${requested}, used: ${resource}=${used}, limited: ${resource}=${limited}`;
  const message = `${definition.plural}.${group} "${name}" is forbidden: exceeded quota: cluster, ${said}`;
  throw new RefusedError({ kind: "forbidden", message, resource: definition.plural, name });
}
