/**
 * `npm run soak -- --minutes 60 [--json]`: informers of both clients in the dance (dance.ts) for as long as one likes. It ends with
 * figures, and with exit code 1 when a picture ever differed from a fresh list for longer than a minute.
 */
import { readFile } from "node:fs/promises";
import { setTimeout as delay } from "node:timers/promises";
import { parseArgs } from "node:util";
import { Dance, isSamePicture } from "./dance.ts";
import { buildGo, hasGo } from "./go-build.ts";
import { GoInformer } from "./go-informer.ts";
import { NodeInformer } from "./node-informer.ts";

const freshMs = 60_000;
const selectors = ["", "tier=web", "tier!=web"];

type Figures = {
  minutes: number;
  rounds: number;
  divergences: number;
  dance: Dance["figures"];
  node: { events: number; lists: number; connects: number; errors: number };
  go: { events: number; failures: number };
  /** Resident memory of the server and of this process, megabytes: after the first round, and the most. */
  memory: { serverFirst: number; serverMost: number; clientFirst: number; clientMost: number };
};

/** One step a round, so that each has the others before and after it. The flood is more than a held watch's queue takes. */
const steps: readonly ((dance: Dance) => Promise<void>)[] = [
  (dance) => dance.churn(3_000),
  (dance) => cutOften(dance),
  (dance) => dance.hold(3_000),
  (dance) => dance.restart("SIGTERM"),
  (dance) => dance.churn(1_000),
  (dance) => dance.restart("SIGKILL"),
  (dance) => dance.hold(25_000),
  (dance) => dance.compact(),
];

const { values } = parseArgs({
  options: { minutes: { type: "string", default: "1" }, json: { type: "boolean", default: false } },
});
const minutes = Number(values.minutes);
if (!(minutes > 0)) throw new Error(`--minutes ${values.minutes} is no time`);
const figures = await soak(minutes);
process.stdout.write(values.json ? `${JSON.stringify(figures)}\n` : `${JSON.stringify(figures, null, 2)}\n`);
process.exitCode = figures.divergences === 0 ? 0 : 1;

async function soak(lastsMinutes: number): Promise<Figures> {
  const program = hasGo() ? await buildGo("go") : undefined;
  const dance = await Dance.start();
  await dance.churn(100);
  const informers = selectors.map((selector) => new NodeInformer(dance.kubeconfig, selector));
  for (const informer of informers) await informer.start();
  const go = program === undefined ? undefined : await GoInformer.start(program, dance.kubeconfig);
  const memory = { serverFirst: 0, serverMost: 0, clientFirst: 0, clientMost: 0 };
  const goFigures = { events: 0, failures: 0 };
  let [rounds, divergences] = [0, 0];
  const begun = performance.now();
  while (performance.now() - begun < lastsMinutes * 60_000) {
    await steps[rounds % steps.length]?.(dance);
    rounds += 1;
    for (const informer of informers) if (!(await becomesFresh(dance, informer))) divergences += 1;
    if (go !== undefined) {
      const { equal, events, failures } = await go.fresh();
      Object.assign(goFigures, { events, failures });
      if (!equal) divergences += 1;
    }
    note(memory, await residentMegabytes(dance.pid), process.memoryUsage().rss / 1e6);
    if (!values.json) process.stderr.write(`round ${rounds}: ${divergences} divergences\n`);
  }
  const node = sum(informers);
  for (const informer of informers) await informer.end();
  await go?.end();
  await dance.end();
  const took = (performance.now() - begun) / 60_000;
  return { minutes: Math.round(took * 10) / 10, rounds, divergences, dance: dance.figures, node, go: goFigures, memory };
}

async function cutOften(dance: Dance): Promise<void> {
  const churning = dance.churn(3_000);
  for (let cut = 0; cut < 5; cut += 1) {
    await dance.churn(100);
    dance.cut();
  }
  await churning;
}

async function becomesFresh(dance: Dance, informer: NodeInformer): Promise<boolean> {
  const wanted = await dance.list(encodeURIComponent(informer.selector));
  for (const end = performance.now() + freshMs; performance.now() < end; await delay(50)) {
    if (isSamePicture(informer.picture(), wanted)) return true;
  }
  return false;
}

function note(memory: Figures["memory"], server: number, client: number): void {
  memory.serverFirst ||= Math.round(server);
  memory.clientFirst ||= Math.round(client);
  memory.serverMost = Math.max(memory.serverMost, Math.round(server));
  memory.clientMost = Math.max(memory.clientMost, Math.round(client));
}

/** 0 where the machine does not tell. */
async function residentMegabytes(pid: number): Promise<number> {
  const text = await readFile(`/proc/${pid}/status`, "utf8").catch(() => "");
  return Number(/VmRSS:\s+(\d+) kB/.exec(text)?.[1] ?? 0) / 1_000;
}

function sum(informers: readonly NodeInformer[]): Figures["node"] {
  const total = { events: 0, lists: 0, connects: 0, errors: 0 };
  for (const { figures: each } of informers) {
    total.events += each.events;
    total.lists += each.lists;
    total.connects += each.connects;
    total.errors += each.errors;
  }
  return total;
}
