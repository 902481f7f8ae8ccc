/** The store on SQLite. */
import { storeConformance } from "../conformance/store.ts";
import { openTemporarySqlite } from "../log/open-sqlite.ts";

storeConformance("sqlite", openTemporarySqlite, { runs: 30 });
