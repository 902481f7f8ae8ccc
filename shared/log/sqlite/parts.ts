/** What the three adapters of one open database share. */
import type { DatabaseSync } from "node:sqlite";
import type { GroupCommit } from "./group-commit.ts";
import type { Lives } from "./lives.ts";
import type { PendingRows } from "./pending-rows.ts";
import type { Rows } from "./rows.ts";

export type SqliteParts = {
  readonly database: DatabaseSync;
  readonly commits: GroupCommit;
  readonly lives: Lives;
  readonly rows: Rows;
  readonly pending: PendingRows;
};
