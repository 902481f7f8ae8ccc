/** The store on SQLite. */
import { storeConformance } from "../conformance/store.ts";
import { openTemporarySqlite, openTemporaryThreadedSqlite } from "../log/open-sqlite.ts";

storeConformance("sqlite", openTemporarySqlite, { runs: 30 });
storeConformance("sqlite, writes in a thread", openTemporaryThreadedSqlite, { runs: 30 });
