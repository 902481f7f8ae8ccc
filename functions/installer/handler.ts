/** Lambda: run by CloudFormation when the stack is made; sees to the first admin token. */
import { systemClock } from "../../shared/base/clock.ts";
import { newSecret, systemIds } from "../../shared/base/ids.ts";
import { jsonLogger } from "../../shared/base/logger.ts";
import { openDynamo } from "../aws/dynamo-ports.ts";
import { readEnvironment, tableVariables, wordVariable } from "../aws/environment.ts";
import { installHandler } from "./custom-resource.ts";
import { ensureFirstToken } from "./first-token.ts";
import { openSecret } from "./secret.ts";

const settings = readEnvironment({ ...tableVariables, WINDLASS_ADMIN_SECRET: wordVariable }, process.env);

export const handler = installHandler({
  fetch: (url, init) => fetch(url, init),
  logger: jsonLogger((line) => process.stderr.write(line), systemClock.now),
  install: () => {
    const { cells } = openDynamo(settings);
    const secret = openSecret(settings.WINDLASS_ADMIN_SECRET);
    return ensureFirstToken({ secret, cells, clock: systemClock, ids: systemIds, newSecret });
  },
});
