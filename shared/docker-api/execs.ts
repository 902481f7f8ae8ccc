/** Execs: made on a container's node, found again by their id, started over a connection that leaves HTTP. */
import type { ExecCreate } from "../fleet/engine/execs.ts";
import { jsonBody } from "./body.ts";
import { mustStream } from "./buffered.ts";
import type { Call } from "./call.ts";
import { badParameter } from "./errors.ts";
import { type DockerAnswer, type DockerUpgrade, json, jsonType } from "./exchange.ts";
import { pass, type Sent, segment, type Target } from "./forward.ts";
import { hijack } from "./hijack.ts";
import type { Handler } from "./route.ts";

export async function createExec(call: Call): Promise<DockerAnswer> {
  const body = await jsonBody(call.request);
  const { Cmd } = body;
  if (!Array.isArray(Cmd) || Cmd.length === 0) throw badParameter("No exec command specified");
  const made = await call.fleet.execs.create(call.params["id"] ?? "", body as ExecCreate, { signal: call.signal });
  return json(made, { status: 201 });
}

/** Passes `/exec/<id>/<verb>`. */
export const passToExec =
  (verb: string): Handler =>
  async (call) => {
    const id = call.params["id"] ?? "";
    return await pass(call, await call.fleet.execs.find(id), { path: `/exec/${segment(id)}/${verb}` });
  };

/** Both ways; a detached one has an answer like any other. */
export async function startExec(call: Call): Promise<DockerUpgrade> {
  const { target, sent, isDetached } = await asked(call);
  if (isDetached) return { kind: "answered", answer: await pass(withType(call), target, sent) };
  return await hijack(withType(call), target, sent);
}

/** Of a client that did not ask to switch: detached, or what the command writes, one way. */
export async function startExecOneWay(call: Call): Promise<DockerAnswer> {
  const { target, sent } = await asked(call);
  return await pass(withType(call), target, sent);
}

async function asked(call: Call): Promise<{ readonly target: Target; readonly sent: Sent; readonly isDetached: boolean }> {
  const id = call.params["id"] ?? "";
  const [target, body] = [await call.fleet.execs.find(id), await jsonBody(call.request)];
  const isDetached = body["Detach"] === true;
  if (!isDetached) mustStream(call, "exec start", [target.node]);
  return { target, sent: { path: `/exec/${segment(id)}/start`, body: Buffer.from(JSON.stringify(body)) }, isDetached };
}

/** The body that goes on is JSON, whatever the client called it. */
const withType = (call: Call): Call => ({
  ...call,
  request: { ...call.request, header: (name) => (name === "content-type" ? jsonType : call.request.header(name)) },
});
