/** LocalStack by hand: `node test/localstack/main.ts` prints its address and runs until it is interrupted. */
import { once } from "node:events";
import { startLocalStack } from "./start.ts";

const { endpoint, group, stop } = await startLocalStack();
process.stdout.write(`export AWS_ENDPOINT_URL=${endpoint} # process group ${group}\n`);
await Promise.race([once(process, "SIGINT"), once(process, "SIGTERM")]);
await stop();
