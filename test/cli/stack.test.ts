/** `windlass kubeconfig --stack` against a stand-in for AWS: an HTTP server that answers as CloudFormation, Secrets Manager and Lambda do. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { text } from "node:stream/consumers";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { parse } from "yaml";

const token = "wl_01234567-89ab-cdef-0123-456789abcdef_secret";
const root = path.resolve(import.meta.dirname, "../..");
const none =
  "<ErrorResponse><Error><Type>Sender</Type><Code>ValidationError</Code><Message>Stack with id Nobody does not exist</Message></Error></ErrorResponse>";

let folder: string;
let server: Server;
const asked: string[] = [];
/** By the secret's id. Those that a test has the installer make are of functions that work. */
const secrets = new Map([
  ["made", token],
  ["unmade", "random text"],
  ["unmakable", "random text"],
]);

const url = "https://abc123.execute-api.eu-west-1.amazonaws.com/prod";
const outputs: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  Windlass: { Url: url, AdminTokenSecret: "made", Installer: "installer" },
  Fresh: { Url: url, AdminTokenSecret: "unmade", Installer: "installer" },
  Broken: { Url: url, AdminTokenSecret: "unmakable", Installer: "broken" },
  Empty: { Url: url, AdminTokenSecret: "gone", Installer: "installer" },
  Others: { Bucket: "b" },
};

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const body = await text(request);
  if (request.headers["x-amz-target"] === "secretsmanager.GetSecretValue") return answerSecret(JSON.parse(body), response);
  if (request.url?.startsWith("/2015-03-31/functions/")) return answerInvoke(request.url, response);
  asked.push("stack");
  const stack = outputs[new URLSearchParams(body).get("StackName") ?? ""];
  response.setHeader("content-type", "text/xml");
  response.statusCode = stack === undefined ? 400 : 200;
  response.end(stack === undefined ? none : described(stack));
}

function answerSecret({ SecretId: id }: { readonly SecretId: string }, response: ServerResponse): void {
  asked.push("secret");
  const value = secrets.get(id);
  response.setHeader("content-type", "application/x-amz-json-1.1");
  response.statusCode = value === undefined ? 400 : 200;
  const missing = { __type: "ResourceNotFoundException", Message: "no such secret" };
  response.end(JSON.stringify(value === undefined ? missing : { SecretString: value }));
}

function answerInvoke(path: string, response: ServerResponse): void {
  asked.push("installer");
  if (path.includes("/broken/")) {
    response.setHeader("x-amz-function-error", "Unhandled");
    return void response.end('{"errorMessage":"no table"}');
  }
  secrets.set("unmade", token);
  response.end("{}");
}

const described = (stack: Readonly<Record<string, string>>): string => {
  const members = Object.entries(stack).map(
    ([key, value]) => `<member><OutputKey>${key}</OutputKey><OutputValue>${value}</OutputValue></member>`,
  );
  const found = `<member><StackName>s</StackName><Outputs>${members.join("")}</Outputs></member>`;
  return `<DescribeStacksResponse><DescribeStacksResult><Stacks>${found}</Stacks></DescribeStacksResult></DescribeStacksResponse>`;
};

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "windlass-stack-"));
  server = createServer((request, response) => void answer(request, response)).listen(0, "127.0.0.1");
  await once(server, "listening");
});
afterAll(async () => {
  server.closeAllConnections();
  server.close();
  await rm(folder, { recursive: true });
});

const endpoint = (): string => `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

/** The program itself: the SDK reads the process's environment. */
async function typed(words: readonly string[], environment: Readonly<Record<string, string>> = {}) {
  const child = spawn(process.execPath, [path.join(root, "functions/cli/main.ts"), "kubeconfig", ...words], {
    env: {
      HOME: folder,
      AWS_ENDPOINT_URL: endpoint(),
      AWS_REGION: "eu-west-1",
      AWS_ACCESS_KEY_ID: "test",
      AWS_SECRET_ACCESS_KEY: "test",
      ...environment,
    },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const [out, err, [code]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, "close")]);
  return { code, out, err };
}

describe("windlass kubeconfig --stack", () => {
  it("prints the way in: LocalStack's address with its certificate unchecked, and the first token", async () => {
    const { code, out, err } = await typed(["--stack", "Windlass"]);
    expect({ code, err }).toEqual({ code: 0, err: "" });
    const server = `${endpoint().replace("http:", "https:")}/_aws/execute-api/abc123/prod`;
    expect(parse(out)).toMatchObject({
      "current-context": "Windlass-default",
      clusters: [{ name: "Windlass-default", cluster: { server, "insecure-skip-tls-verify": true } }],
      users: [{ name: "Windlass-default", user: { token } }],
    });
  });

  it("of a cluster, for a given token, into a file: the secret is not read", async () => {
    asked.length = 0;
    const file = path.join(folder, "kubeconfig");
    const ended = await typed(["--stack", "Windlass", "--cluster", "blue", "--token", "mine", "--merge", file]);
    expect(ended).toMatchObject({ code: 0, out: `context Windlass-blue is in ${file}\n` });
    expect(parse(await readFile(file, "utf8"))).toMatchObject({
      clusters: [{ cluster: { server: expect.stringMatching(/\/abc123\/prod\/clusters\/blue$/) } }],
      users: [{ user: { token: "mine" } }],
    });
    expect(asked).toEqual(["stack"]);
  });

  it("has the installer make the token where the deployment has not", async () => {
    asked.length = 0;
    const { out } = await typed(["--stack", "Fresh"]);
    expect(parse(out)).toMatchObject({ users: [{ user: { token } }] });
    expect(asked).toEqual(["stack", "secret", "installer", "secret"]);
  });

  it("on AWS the address is the stack's, and its certificate is checked", async () => {
    const services = {
      AWS_ENDPOINT_URL: "",
      AWS_ENDPOINT_URL_CLOUDFORMATION: endpoint(),
      AWS_ENDPOINT_URL_SECRETS_MANAGER: endpoint(),
    };
    const { out } = await typed(["--stack", "Windlass"], services);
    expect(parse(out)).toMatchObject({ clusters: [{ cluster: { server: url } }] });
    expect(out).not.toContain("insecure");
  });

  it.each([
    [["--stack", "Nobody"], {}, "stack Nobody can't be read: Stack with id Nobody does not exist"],
    [["--stack", "Others"], {}, "is it a stack of Windlass?"],
    [["--stack", "Empty"], {}, "the first token's secret can't be read: no such secret"],
    [["--stack", "Broken"], {}, 'the installer\'s answer can\'t be read: {"errorMessage":"no table"}'],
    [["--stack", "Windlass"], { AWS_ENDPOINT_URL: "here" }, "which is not a URL"],
  ])("%j %j ends with one line that says why", async (words, environment, reason) => {
    const { code, out, err } = await typed(words, environment);
    expect({ code, out }).toEqual({ code: 1, out: "" });
    expect(err).toContain(reason);
    expect(err.trimEnd().split("\n")).toHaveLength(1);
  });
});
