/**
 * One Lambda execution environment as a plain Node process, run by serve.py: one JSON request a line on standard input, one JSON
 * answer a line on the file descriptor named by the first argument. What the handler logs goes to standard error.
 */
import { createWriteStream } from "node:fs";
import { access } from "node:fs/promises";
import { basename, dirname, resolve } from "node:path";
import { createInterface } from "node:readline";
import { PassThrough } from "node:stream";
import { pathToFileURL } from "node:url";

const answers = createWriteStream("", { fd: Number(process.argv[2]) });
const answer = (message) => answers.write(`${JSON.stringify(message)}\n`);
// biome-ignore lint/suspicious/noConsole: handlers of others log with it, and standard output is not read
for (const level of ["log", "info", "debug"]) console[level] = console.error;

globalThis.awslambda = {
  // No response streaming here: the stream is buffered and answered whole, as API Gateway's buffered mode does.
  streamifyResponse: (handler) => async (event, context) => {
    const stream = new PassThrough();
    const chunks = [];
    stream.on("data", (chunk) => chunks.push(chunk));
    await handler(event, stream, context);
    stream.end();
    const body = Buffer.concat(chunks).toString();
    return stream.metadata ? { ...stream.metadata, body } : body;
  },
  HttpResponseStream: { from: (stream, metadata) => Object.assign(stream, { metadata }) },
};

async function load() {
  const { _HANDLER: name, LAMBDA_TASK_ROOT: root } = process.env;
  const [file, exported] = basename(name).split(".");
  for (const extension of [".mjs", ".js", ".cjs"]) {
    const candidate = resolve(root, dirname(name), file + extension);
    if (!(await exists(candidate))) continue;
    const module = await import(pathToFileURL(candidate));
    const handler = module[exported] ?? module.default?.[exported];
    if (typeof handler !== "function") throw new Error(`${name} is not a function`);
    return handler;
  }
  throw new Error(`no module for handler ${name}`);
}

const exists = (file) =>
  access(file).then(
    () => true,
    () => false,
  );

async function serve(handler) {
  for await (const line of createInterface({ input: process.stdin })) {
    const request = JSON.parse(line);
    const { id, payload } = request;
    try {
      answer({ id, result: (await handler(JSON.parse(payload || "null"), contextOf(request))) ?? null });
    } catch (error) {
      process.stderr.write(`${error?.stack ?? error}\n`);
      answer({ id, error: describe(error) });
    }
  }
}

const contextOf = ({ id, arn, deadline }) => ({
  awsRequestId: id,
  invokedFunctionArn: arn,
  functionName: process.env.AWS_LAMBDA_FUNCTION_NAME,
  functionVersion: process.env.AWS_LAMBDA_FUNCTION_VERSION,
  memoryLimitInMB: process.env.AWS_LAMBDA_FUNCTION_MEMORY_SIZE,
  logGroupName: process.env.AWS_LAMBDA_LOG_GROUP_NAME,
  logStreamName: process.env.AWS_LAMBDA_LOG_STREAM_NAME,
  getRemainingTimeInMillis: () => Math.max(0, deadline - Date.now()),
  callbackWaitsForEmptyEventLoop: false,
});

const describe = (error) => ({
  errorType: error?.name ?? "Error",
  errorMessage: error?.message ?? String(error),
  trace: String(error?.stack ?? "").split("\n"),
});

try {
  const handler = await load();
  answer({ ready: true });
  await serve(handler);
} catch (error) {
  answer({ ready: false, error: describe(error) });
  answers.end(() => process.exit(1));
}
