/** `windlass start`: the embedded host in this process. Its flags are its own (functions/local/config.ts). */
import { Command } from "commander";

export function startCommand(): Command {
  return new Command("start")
    .description("run the control plane in this process, on SQLite (start --help lists its flags)")
    .argument("[flags...]", "as `windlass start --help` has them")
    .allowUnknownOption()
    .action(async (flags: readonly string[]) => {
      // Only here: everything else starts faster without the server.
      const [{ run }, { buildLocalApp }] = await Promise.all([import("../../local/run.ts"), import("../../local/local-app.ts")]);
      await run(buildLocalApp, flags);
    });
}
