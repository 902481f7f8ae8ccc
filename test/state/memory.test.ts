/** The store on the in-memory adapter: as the only writer of its log, and as one of several. */
import { openMemory } from "../../shared/log/memory/open.ts";
import { storeConformance } from "../conformance/store.ts";

storeConformance("memory, shared", async () => openMemory({ appendMax: 1, compressAboveBytes: 900 }), { runs: 200 });
storeConformance("memory, exclusive", async () => openMemory({ exclusive: true, appliesOnAppend: true }), { runs: 200 });
