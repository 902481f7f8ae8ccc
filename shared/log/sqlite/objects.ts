/** The Objects port on SQLite. Markers stand in the life's row, from `begin` to `remove`. */
import type { DatabaseSync, StatementSync } from "node:sqlite";
import { parseFrozen } from "../../base/json.ts";
import { compareKeys } from "../key-order.ts";
import type { MarkerName, Markers, Objects, PageRange, Row, RowWrite } from "../ports.ts";
import { integer, text } from "./columns.ts";
import type { GroupCommit } from "./group-commit.ts";
import type { Lives } from "./lives.ts";
import type { SqliteParts } from "./log.ts";
import type { Rows } from "./rows.ts";
