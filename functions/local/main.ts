/** `npm start`: the whole control plane in one process, on SQLite. */
import { buildLocalApp } from "./local-app.ts";
import { run } from "./run.ts";

await run(buildLocalApp);
