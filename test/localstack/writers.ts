/** Many who write to one cluster at once, each in a Lambda of its own: what was acknowledged is in the log, once, and nothing else is. */
import { afterAll, beforeAll, expect, it } from "vitest";
import { type Answer, type Client, group, node, unique } from "../cases/client.ts";
import { entriesOf } from "../functions/settled.ts";
import { Backstage, type Place } from "./backstage.ts";
import { makeCluster } from "./cluster.ts";

const writers = 50;
/** Each begins when all have ended the one before. */
const rounds = 4;
/** So long each writer's environment is held by a watch, until all have one: what is shown is the log, not cold starts. */
const warmUpSeconds = 6;
/** Refusals of one write that its writer tries again. */
const triesMax = 20;
/** Of all writes, those whose first answer was 429. The first round, in which each environment's code runs for the first time, does not count. */
const refusedShareMax = 0.01;

type Written = { readonly answer: Answer; readonly tries: number };

/** `place` is asked when a case runs. */
export function writerCases(client: Client, place: () => Place): void {
  let backstage: Backstage;
  beforeAll(async () => {
    backstage = await Backstage.open(place());
  });
  afterAll(() => backstage?.close());

  const sleep = (seconds: number) => new Promise((resolve) => setTimeout(resolve, seconds * 1_000));

  /** As clients do: what is refused with a time to wait is tried again after it. */
  async function write(path: string, name: string): Promise<Written> {
    for (let tries = 1; ; tries += 1) {
      const answer = await client.post(path, node(name));
      if (answer.status !== 429 || tries === triesMax) return { answer, tries };
      await sleep(Number(answer.headers.get("retry-after")));
    }
  }

  it(`${writers} at once: revisions are dense, every acknowledged write is there once, and no other`, async () => {
    const { path, uid } = await makeCluster(client, unique("crowd"));
    const nodes = `${path}${group}/nodes`;
    const warm = Array.from({ length: writers }, () => client.get(`${nodes}?watch=true&timeoutSeconds=${warmUpSeconds}`));
    expect(new Set((await Promise.all(warm)).map(({ status }) => status))).toEqual(new Set([200]));
    const done: Written[] = [];
    for (let round = 0; round < rounds; round += 1) {
      const names = Array.from({ length: writers }, (_, writer) => `writer-${writer}-${round}`);
      done.push(...(await Promise.all(names.map((name) => write(nodes, name)))));
    }
    expect(done.map(({ answer }) => answer.status)).toEqual(done.map(() => 201));
    const told = done.map(({ answer: { body } }) => [body["metadata"]?.["name"], Number(body["metadata"]?.["resourceVersion"])]);
    const entries = await entriesOf(backstage.ports, uid);
    const first = entries[0]?.revision ?? 0;
    expect(entries.map(({ revision }) => revision)).toEqual(entries.map((_, index) => first + index));
    const written = entries.flatMap(({ revision, changes }) =>
      changes.map(({ action, key }, index) => [`${action} ${key}`, revision * 1_000 + index]),
    );
    expect(new Map(written as [string, number][])).toEqual(
      new Map(told.map(([name, version]) => [`create nodes/${name}`, version as number])),
    );
    expect(written).toHaveLength(writers * rounds);
    const measured = done.slice(writers);
    const refused = measured.filter(({ tries }) => tries > 1);
    expect(refused.length).toBeLessThanOrEqual(measured.length * refusedShareMax);
  });
}
