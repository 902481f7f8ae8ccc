/**
 * A deployment on AWS as the command line finds it: the API's address from its stack's outputs, the first token from the secret that
 * they name. With AWS_ENDPOINT_URL at LocalStack the address is LocalStack's own. Region and credentials are found as by the AWS CLI.
 */
import type { Stack } from "@aws-sdk/client-cloudformation";
import { CommandError } from "./errors.ts";
import type { Connection } from "./kubeconfig.ts";
import type { Terminal } from "./terminal.ts";

export type Deployment = {
  /** The stack's name. */
  readonly stack: string;
  /** Given: the secret is not read. */
  readonly token: string | undefined;
};

/** What the endpoints of AWS itself end in. */
const awsDomains = [".amazonaws.com", ".amazonaws.com.cn", ".api.aws"];
/** Where LocalStack serves any REST API: `/_aws/execute-api/<id>/<stage>`. */
const localApis = "/_aws/execute-api";
/** What the secret holds before is random text. */
const tokenForm = /^wl_[0-9a-f-]{36}_/;

/** @throws CommandError when there is no such stack, it is not Windlass's, or AWS refuses. */
export async function stackConnection({ environment }: Terminal, { stack, token }: Deployment): Promise<Connection> {
  const endpoint = endpointOf(environment["AWS_ENDPOINT_URL"]);
  const outputs = await asked(`stack ${stack}`, () => outputsOf(stack, endpoint));
  const url = outputs.get("Url");
  const secret = outputs.get("AdminTokenSecret");
  const installer = outputs.get("Installer");
  if (url === undefined || secret === undefined || installer === undefined || !URL.canParse(url)) {
    throw new CommandError(`stack ${stack} has no outputs Url, AdminTokenSecret and Installer: is it a stack of Windlass?`);
  }
  return {
    ...(endpoint === undefined ? { server: url, isInsecure: false } : { server: localUrl(url, endpoint), isInsecure: true }),
    token: token ?? (await firstToken({ secret, installer, endpoint })),
    ca: undefined,
    serverName: undefined,
    certificate: undefined,
    key: undefined,
  };
}

type Installation = { readonly secret: string; readonly installer: string; readonly endpoint: URL | undefined };

/** CloudFormation has the installer make it; LocalStack's runs no custom resources, so it is asked here. */
async function firstToken({ secret, installer, endpoint }: Installation): Promise<string> {
  const read = () => asked("the first token's secret", () => secretText(secret, endpoint));
  const there = await read();
  if (tokenForm.test(there)) return there;
  await asked("the installer's answer", () => invoke(installer, endpoint));
  const made = await read();
  if (tokenForm.test(made)) return made;
  throw new CommandError("the stack's secret holds no token: make one, and pass --token <token>");
}

/** undefined: AWS itself, wherever its clients look for it. */
function endpointOf(text: string | undefined): URL | undefined {
  if (text === undefined || text === "") return undefined;
  if (!URL.canParse(text)) throw new CommandError(`AWS_ENDPOINT_URL is ${JSON.stringify(text)}, which is not a URL`);
  const endpoint = new URL(text);
  return awsDomains.some((domain) => endpoint.hostname.endsWith(domain)) ? undefined : endpoint;
}

/** `https://<id>.execute-api.…/<stage>` as LocalStack serves it, on its one port, with a certificate of its own. */
function localUrl(url: string, endpoint: URL): string {
  const { hostname, pathname } = new URL(url);
  return `https://${endpoint.host}${localApis}/${hostname.split(".")[0]}${pathname}`;
}

async function outputsOf(stack: string, endpoint: URL | undefined): Promise<ReadonlyMap<string, string>> {
  // Loaded here: every other command does without, and starts faster.
  const { CloudFormationClient, DescribeStacksCommand } = await import("@aws-sdk/client-cloudformation");
  const client = new CloudFormationClient(clientOptions(endpoint));
  try {
    const { Stacks: [found] = [] } = await client.send(new DescribeStacksCommand({ StackName: stack }));
    return new Map((found?.Outputs ?? []).flatMap(outputPair));
  } finally {
    client.destroy();
  }
}

const outputPair = ({ OutputKey: key, OutputValue: value }: NonNullable<Stack["Outputs"]>[number]): [string, string][] =>
  key === undefined || value === undefined ? [] : [[key, value]];

async function secretText(id: string, endpoint: URL | undefined): Promise<string> {
  const { SecretsManagerClient, GetSecretValueCommand } = await import("@aws-sdk/client-secrets-manager");
  const client = new SecretsManagerClient(clientOptions(endpoint));
  try {
    const { SecretString: text } = await client.send(new GetSecretValueCommand({ SecretId: id }));
    if (text === undefined || text === "") throw new Error("it is empty");
    return text;
  } finally {
    client.destroy();
  }
}

async function invoke(name: string, endpoint: URL | undefined): Promise<void> {
  const { InvokeCommand, LambdaClient } = await import("@aws-sdk/client-lambda");
  const client = new LambdaClient(clientOptions(endpoint));
  try {
    const { FunctionError: error, Payload: said } = await client.send(new InvokeCommand({ FunctionName: name, Payload: "{}" }));
    if (error !== undefined) throw new Error(said?.transformToString() ?? error);
  } finally {
    client.destroy();
  }
}

const clientOptions = (endpoint: URL | undefined) => (endpoint === undefined ? {} : { endpoint: endpoint.href });

/** AWS's own words are the reason: no such stack, no credentials, no region, not allowed. */
async function asked<T>(what: string, ask: () => Promise<T>): Promise<T> {
  try {
    return await ask();
  } catch (cause) {
    // A connection that was refused at several addresses has no message of its own.
    const reason = cause instanceof Error ? cause.message || cause.name : String(cause);
    throw new CommandError(`${what} can't be read: ${reason}`, { cause });
  }
}
