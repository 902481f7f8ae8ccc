/**
 * The first admin token: its hash in the cells, its text in the secret, each written once in the life of an installation. A cell says how
 * far that came. Broken off it is done anew, under another id; nobody has read the text of the one before. Once it is made, the
 * holders alone decide what becomes of it: a token that they revoked, or a secret that they wrote, stays so.
 */
import { rootScope } from "../../shared/access/access.ts";
import { Tokens } from "../../shared/access/tokens.ts";
import type { Clock } from "../../shared/base/clock.ts";
import type { Ids } from "../../shared/base/ids.ts";
import type { Cell, Cells } from "../../shared/log/ports.ts";
import { installationUid } from "../../shared/state/cluster-lives.ts";
import type { SecretText } from "./secret.ts";

export type FirstTokenOptions = {
  readonly secret: SecretText;
  readonly cells: Cells;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly newSecret: () => string;
};

/** `id`: the token's. `isMade`: its text stands in the secret. */
type Mark = { readonly id: string; readonly isMade: boolean };

/** One a secret: a backup's state, put into the tables of another installation, gets that one's own first token, too. */
const markKey = ({ id }: SecretText): string => `first-token/${id}`;
/** The actor of what is done with it. */
const name = "stack-admin";

/** Safe to repeat. @throws Error when another does it at the same time, or what the ports throw: it is to be repeated then. */
export async function ensureFirstToken(options: FirstTokenOptions): Promise<void> {
  const { cells, secret } = options;
  const there = await cells.get(installationUid, markKey(secret));
  const id = there?.value["id"];
  if (there?.value["isMade"] === true) return;
  if (there === undefined || typeof id !== "string") return make(options, there);
  const text = (await secret.read())?.trim();
  // The secret has it, so somebody may have it, too; only the mark was missing.
  if (text?.startsWith(`wl_${id}_`)) return void (await putMark(options, { id, isMade: true }, there));
  await new Tokens({ ...options, rootUid: installationUid }).revoke(id);
  await make(options, there);
}

async function make(options: FirstTokenOptions, former: Cell | undefined): Promise<void> {
  const { secret, cells, clock, ids, newSecret } = options;
  const id = ids.uuid();
  const mark = await putMark(options, { id, isMade: false }, former);
  const tokens = new Tokens({ cells, rootUid: installationUid, clock, ids: { uuid: () => id }, newSecret });
  const { text } = await tokens.create({ name, role: "admin", clusterUid: rootScope });
  await secret.write(text);
  await putMark(options, { id, isMade: true }, mark);
}

type MarkOptions = Pick<FirstTokenOptions, "cells" | "secret">;

async function putMark({ cells, secret }: MarkOptions, value: Mark, former: Cell | undefined): Promise<Cell> {
  const when = former === undefined ? "absent" : { version: former.version };
  const put = await cells.put(installationUid, { key: markKey(secret), value, when });
  if (put.kind === "lost") throw new Error("another makes the first token at the same time");
  return put.cell;
}
