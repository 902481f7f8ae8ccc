/**
 * The first admin token: its text stands in the secret before its hash stands in the cells, so that a crash between the two leaves no
 * token that nobody knows. Done again it changes nothing.
 */
import { rootScope } from "../../shared/api/access/access.ts";
import { Tokens } from "../../shared/api/access/tokens.ts";
import type { Clock } from "../../shared/base/clock.ts";
import type { Ids } from "../../shared/base/ids.ts";
import type { Cells } from "../../shared/log/ports.ts";
import { installationUid } from "../../shared/state/cluster-lives.ts";
import type { SecretText } from "./secret.ts";

export type FirstTokenOptions = {
  readonly secret: SecretText;
  readonly cells: Cells;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly newSecret: () => string;
};

const tokenForm = /^wl_([0-9a-f-]{36})_([A-Za-z0-9_-]{43})$/;
/** The actor of what is done with it. */
const name = "stack-admin";

export async function ensureFirstToken(options: FirstTokenOptions): Promise<void> {
  const { secret, clock, cells, ids, newSecret } = options;
  const kept = (await secret.read())?.trim() ?? "";
  const text = tokenForm.test(kept) ? kept : `wl_${ids.uuid()}_${newSecret()}`;
  if (text !== kept) await secret.write(text);
  const [, id = "", secretPart = ""] = tokenForm.exec(text) ?? [];
  // Makes the token that the text says, or meets it.
  const tokens = new Tokens({ cells, rootUid: installationUid, clock, ids: { uuid: () => id }, newSecret: () => secretPart });
  if ((await tokens.verify(text)) === undefined) await tokens.create({ name, role: "admin", clusterUid: rootScope });
}
