/** functions/api beside the HTTP cases: how answers leave, and by whom a request is known. */
import { setTimeout as delay } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { bufferedHandler } from "../../functions/api/api.ts";
import { bufferedResult } from "../../functions/api/buffered.ts";
import { IamAuthenticator, iamAuthorization } from "../../functions/api/iam.ts";
import { readSettings } from "../../functions/api/settings.ts";
import { type StreamingHandler, sendStreamed } from "../../functions/api/streamed.ts";
import { EnvironmentError } from "../../functions/aws/environment.ts";
import { systemClock } from "../../shared/base/clock.ts";
import { silentLogger } from "../../shared/base/logger.ts";
import { once } from "../../shared/base/once.ts";
import { type ApiResponse, respond } from "../../shared/http/exchange.ts";
import { group, node, WatchReader } from "../cases/client.ts";
import { startLambdaHost } from "./lambda-host.ts";
import { callStreaming, runtime } from "./runtime.ts";
import { contextOf } from "./stream.ts";

const never = new AbortController().signal;
const nodes = `${group}/nodes`;
const json = { "content-type": "application/json" };

describe("a buffered answer", () => {
  const result = (response: ApiResponse) => bufferedResult(response, never);

  it("text goes as it is, bytes and what is compressed as base64", async () => {
    expect(await result(respond("{}", { status: 200, headers: json }))).toMatchObject({ body: "{}", isBase64Encoded: false });
    const bytes = new Uint8Array([0, 255]);
    const protobuf = { "content-type": "application/com.github.proto-openapi.spec.v2@v1.0+protobuf" };
    expect(await result(respond(bytes, { status: 200, headers: protobuf }))).toMatchObject({
      body: "AP8=",
      isBase64Encoded: true,
    });
    const zipped = { ...json, "content-encoding": "gzip" };
    expect(await result(respond(bytes, { status: 200, headers: zipped }))).toMatchObject({ body: "AP8=", isBase64Encoded: true });
    expect(await result(respond(null, { status: 304 }))).toMatchObject({ statusCode: 304, body: "" });
  });

  it.each([
    ["5 MB", "x".repeat(5 * 1024 * 1024), 200],
    ["one byte more", "x".repeat(5 * 1024 * 1024 + 1), 413],
    ["less than 5 MB that are more than 6 in JSON", '"'.repeat(4 * 1024 * 1024), 413],
  ])("of %s", async (_, text, status) => {
    const sent = await result(respond(text, { status: 200, headers: json }));
    expect(sent.statusCode).toBe(status);
    if (status === 413)
      expect(JSON.parse(sent.body)).toMatchObject({
        kind: "Status",
        reason: "RequestEntityTooLarge",
        message: expect.stringContaining("limit"),
      });
  });

  it("of a stream is read no further than what can be sent", async () => {
    let pulled = 0;
    let isCancelled = false;
    const body = new ReadableStream<Uint8Array>({
      pull(controller) {
        pulled += 1;
        controller.enqueue(new Uint8Array(1024 * 1024));
      },
      cancel() {
        isCancelled = true;
      },
    });
    expect((await result(respond(body, { status: 200, headers: json }))).statusCode).toBe(413);
    expect([pulled < 10, isCancelled]).toEqual([true, true]);
  });
});

it.each(["buffer", "stream"])("a body that does not end is cut off in time (%s)", async (transport) => {
  let isCancelled = false;
  const body = new ReadableStream<Uint8Array>({
    start: (controller) => controller.enqueue(Buffer.from("begun")),
    cancel() {
      isCancelled = true;
    },
  });
  const answer = respond(body, { status: 200, headers: json });
  const leave = new AbortController();
  const cut = delay(20).then(() => leave.abort());
  if (transport === "buffer") expect((await bufferedResult(answer, leave.signal)).body).toBe("begun");
  else {
    const handler: StreamingHandler = (_, to) => sendStreamed(answer, { runtime, to, leave: leave.signal });
    expect(await (await callStreaming(handler, { event: {}, context: contextOf(10_000) })).text()).toBe("begun");
  }
  await cut;
  expect(isCancelled).toBe(true);
});

describe("a watch", () => {
  it("that is buffered is a long poll: it waits for the first events, and ends with them", async () => {
    const host = await startLambdaHost({ transport: "buffer" });
    const { target } = host;
    const headers = { authorization: `Bearer ${target.token}` };
    const from = (await target.fetch(`${target.baseUrl}${nodes}?limit=1`, { headers })).headers.get(
      "x-windlass-resource-version",
    );
    const polled = target.fetch(`${target.baseUrl}${nodes}?watch=true&resourceVersion=${from}&allowWatchBookmarks=true`, {
      headers,
    });
    const body = JSON.stringify(node("polled"));
    await target.fetch(`${target.baseUrl}${nodes}`, { method: "POST", headers: { ...headers, ...json }, body });
    const lines = (await (await polled).text())
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line));
    expect(lines.map(({ type }) => type)).toEqual(["ADDED", "BOOKMARK"]);
    await host.close();
  });

  it("that is streamed ends in order before the function's time does", async () => {
    const host = await startLambdaHost({ transport: "stream" });
    const { event, handler } = await host.streaming(`${nodes}?watch=true&resourceVersion=0`);
    const response = await callStreaming(handler, { event, context: contextOf(2_200) });
    expect([response.status, await response.text()]).toEqual([200, ""]);
    await host.close();
  });

  it("tells its status before its first event, and is closed when its client leaves", async () => {
    const host = await startLambdaHost({ transport: "stream" });
    const { event, handler } = await host.streaming(`${nodes}?watch=true`);
    const abort = new AbortController();
    const ended = Promise.withResolvers<void>();
    const wrapped: typeof handler = (...call) => handler(...call).finally(ended.resolve);
    const response = await callStreaming(wrapped, { event, context: contextOf(900_000), signal: abort.signal });
    expect(response.status).toBe(200);
    new WatchReader(response, abort).close();
    await ended.promise;
    await host.close();
  });

  it("waits for a slow reader", async () => {
    let drained = 0;
    const body = {
      begin: (sink: { write(bytes: Uint8Array): boolean; end(): void }) => {
        let left = 64;
        const fill = () => {
          while (left > 0) {
            left -= 1;
            if (!sink.write(new Uint8Array(64 * 1024))) return;
          }
          sink.end();
        };
        body.drained = () => {
          drained += 1;
          fill();
        };
        fill();
      },
      drained: (): void => undefined,
      left: () => undefined,
    };
    const response = await callStreaming(
      (_, to) => sendStreamed({ status: 200, headers: {}, body }, { runtime, to, leave: never }),
      { event: {}, context: contextOf(10_000) },
    );
    await delay(0);
    expect((await response.arrayBuffer()).byteLength).toBe(64 * 64 * 1024);
    expect(drained).toBeGreaterThan(0);
  });
});

describe("a caller known by IAM", () => {
  const rules = [
    { arn: "arn:aws:iam::1:role/ops-*", role: "admin" },
    { arn: "arn:aws:iam::1:user/team.a", role: "editor", cluster: "a" },
    { arn: "arn:aws:iam::1:user/*", role: "viewer" },
    { arn: "arn:aws:iam::1:role/lost", role: "viewer", cluster: "gone" },
  ] as const;
  const iam = new IamAuthenticator(rules, async (name) => (name === "a" ? "uid-a" : undefined));
  const who = (arn: string) => iam.authenticate(iamAuthorization(arn));

  it.each([
    ["arn:aws:sts::1:assumed-role/ops-night/session", { role: "admin", clusterUid: "root" }],
    ["arn:aws:iam::1:role/ops-", { role: "admin", clusterUid: "root" }],
    ["arn:aws:iam::1:user/team.a", { role: "editor", clusterUid: "uid-a", more: [{ role: "viewer", clusterUid: "root" }] }],
    ["arn:aws:iam::1:user/teamXa", { role: "viewer", clusterUid: "root" }],
  ])("%s", async (arn, granted) => {
    expect(await who(arn)).toEqual({ name: arn, ...granted });
  });

  it.each([
    "arn:aws:sts::2:assumed-role/ops-night/session",
    "arn:aws:sts::1:assumed-role/lost/session",
    "xarn:aws:iam::1:role/ops-a",
    "",
  ])("nobody: '%s'", async (arn) => {
    expect(await who(arn)).toBeUndefined();
  });

  it("is not who a header says, only who the gateway says", async () => {
    const environment = { WINDLASS_IAM: JSON.stringify([{ arn: "*", role: "admin" }]) };
    const host = await startLambdaHost({ transport: "buffer", environment });
    const { target } = host;
    const status = async (headers: Record<string, string>) =>
      (await target.fetch(`${target.baseUrl}${nodes}`, { headers })).status;
    expect(await status({ authorization: "Windlass-IAM arn:aws:iam::1:user/a" })).toBe(401);
    expect(await status({ "x-test-user-arn": "arn:aws:iam::1:user/a" })).toBe(200);
    await host.close();
  });

  it("without the setting the scheme means nothing", async () => {
    const host = await startLambdaHost({ transport: "buffer" });
    const { target } = host;
    const headers = { authorization: "Windlass-IAM arn:aws:iam::1:user/a", "x-test-user-arn": "arn:aws:iam::1:user/a" };
    expect((await target.fetch(`${target.baseUrl}${nodes}`, { headers })).status).toBe(401);
    await host.close();
  });
});

it("an installation that can't be opened is 503, and is tried again by the next request", async () => {
  const host = await startLambdaHost({ transport: "buffer" });
  const { event } = await host.streaming("/readyz");
  let tries = 0;
  const open = once(async () => {
    tries += 1;
    throw new Error("no table");
  });
  const handler = bufferedHandler({ open, clock: systemClock, logger: silentLogger });
  for (const _ of [1, 2]) {
    const { statusCode, headers } = await handler(event, contextOf(29_000));
    expect([statusCode, headers["retry-after"]]).toEqual([503, "1"]);
  }
  expect(tries).toBe(2);
  await host.close();
});

describe("the environment", () => {
  const good = {
    WINDLASS_LOG_TABLE: "l",
    WINDLASS_OBJECTS_TABLE: "o",
    WINDLASS_TRANSPORT: "stream",
    WINDLASS_SECRETS: "windlass/",
  };

  it("is read with its defaults", () => {
    const oidc = { issuer: "https://id.test", audiences: ["windlass"], roles: [{ group: "ops", role: "admin" }] };
    const settings = readSettings({ ...good, WINDLASS_OIDC: JSON.stringify(oidc), WINDLASS_IAM: "" });
    expect(settings).toEqual({
      ...good,
      WINDLASS_NODE_CIDRS: [],
      WINDLASS_OIDC: { usernameClaim: "sub", usernamePrefix: "oidc:", groupsClaim: "groups", ...oidc },
    });
  });

  it.each([
    ["WINDLASS_LOG_TABLE", { WINDLASS_LOG_TABLE: undefined }],
    ["WINDLASS_TRANSPORT", { WINDLASS_TRANSPORT: "pigeon" }],
    ["WINDLASS_IAM", { WINDLASS_IAM: "{" }],
    ["WINDLASS_IAM", { WINDLASS_IAM: '[{"arn":"a","role":"king"}]' }],
    ["WINDLASS_OIDC", { WINDLASS_OIDC: '{"issuer":"http://plain.test","audiences":["a"],"roles":[]}' }],
  ])("names what is wrong: %s", (name, wrong) => {
    expect(() => readSettings({ ...good, ...wrong })).toThrow(EnvironmentError);
    expect(() => readSettings({ ...good, ...wrong })).toThrow(name);
  });
});
