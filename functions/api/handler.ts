/** Lambda: API Gateway's requests to the one router, answered whole or streamed, as WINDLASS_TRANSPORT says. */
import { systemClock } from "../../shared/base/clock.ts";
import { systemIds } from "../../shared/base/ids.ts";
import { jsonLogger } from "../../shared/base/logger.ts";
import { once } from "../../shared/base/once.ts";
import { openDynamo } from "../aws/dynamo-ports.ts";
import { openNodeEngine, stackSecrets } from "../aws/engines.ts";
import { release } from "../aws/release.ts";
import { bufferedHandler, openApi, streamingHandler } from "./api.ts";
import { readSettings } from "./settings.ts";
import type { StreamingRuntime } from "./streamed.ts";

declare const awslambda: StreamingRuntime;

const settings = readSettings(process.env);
const logger = jsonLogger((line) => process.stderr.write(line), systemClock.now);
const common = { clock: systemClock, logger };
const secrets = stackSecrets(settings, systemClock);
const open = once(() =>
  openApi({ ...openDynamo(settings), ...common, settings, ids: systemIds, release, secrets, open: openNodeEngine(settings) }),
);
const options = { ...common, open };

export const handler =
  settings.WINDLASS_TRANSPORT === "stream"
    ? awslambda.streamifyResponse(streamingHandler(options, awslambda))
    : bufferedHandler(options);
