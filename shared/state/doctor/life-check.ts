/**
 * One life of one cluster: its markers against its log, and its rows against what the log comes to. What the log knows for certain is
 * a mending; where the log itself is broken there is none, but the rows are there, and a new life can begin with them (new-lives.ts).
 */
import { isDeepStrictEqual } from "node:util";
import type { Log, Markers, Objects, Row, RowWrite } from "../../log/ports.ts";
import type { Finding } from "./finding.ts";
import { checkLog, type Last, type LogState, touchedAfter } from "./log-check.ts";

export type Life = { readonly name: string; readonly uid: string };
export type LifePorts = { readonly log: Pick<Log, "read">; readonly objects: Pick<Objects, "markers" | "page"> };

const pageRows = 500;
/** Rows that are wrong, named and mended in one run; more are found by the next one. */
const wrongMax = 10_000;

/** How often a look begins again because the log was stripped under it. */
const looksMax = 3;

/** What is written meanwhile is left out. */
export async function checkLife(ports: LifePorts, life: Life): Promise<readonly Finding[]> {
  for (let looks = 1; ; looks += 1) {
    const markers = await ports.objects.markers(life.uid);
    // Its cluster was made and never used: it begins when it is.
    if (markers === undefined) return [];
    const found = await checkAt(ports, life, markers);
    const after = await ports.objects.markers(life.uid);
    if (found.length === 0 || after?.stripped === markers.stripped || looks === looksMax) return found;
  }
}

async function checkAt(ports: LifePorts, life: Life, markers: Markers): Promise<readonly Finding[]> {
  const state = await checkLog(ports.log, life.uid, markers);
  const found = [
    ...state.problems.map((problem): Finding => ({ where: life.name, problem, mending: undefined })),
    ...markerFindings(life, markers, state),
  ];
  if (state.problems.length > 0) return found;
  return [...found, ...(await rowFindings(ports, life, { markers, state }))];
}

/** DESIGN's order: stripped below applied and published, and all below the head; applied below a seal. */
function markerFindings({ name, uid }: Life, markers: Markers, { head, sealed, problems }: LogState): Finding[] {
  const { first, applied, published, stripped } = markers;
  const appliedMax = sealed ? head - 1 : head;
  const right = {
    applied: Math.min(applied, appliedMax),
    published: Math.min(published, head),
    stripped: Math.min(stripped, applied, published),
  };
  const wrong = (["applied", "published", "stripped"] as const).filter((marker) => markers[marker] !== right[marker]);
  const below = stripped < first - 1 || applied < first - 1 || published < first - 1;
  if (wrong.length === 0 && !below) return [];
  const said = wrong.map((marker) => `${marker} is ${markers[marker]}, not ${right[marker]}`).join(", ");
  const problem = below ? `a marker lies below the life's first revision, ${first}` : `markers: ${said}`;
  return [{ where: name, problem, mending: below || problems.length > 0 ? undefined : { kind: "markers", uid, markers: right } }];
}

type Known = { readonly markers: Markers; readonly state: LogState };

async function rowFindings({ log, objects }: LifePorts, { name, uid }: Life, known: Known): Promise<Finding[]> {
  const missing = new Map([...known.state.applied].filter(([, { change }]) => change.action !== "delete"));
  const found: { readonly key: string; readonly finding: Finding }[] = [];
  const tell = (key: string, problem: string, write: RowWrite | undefined): void => {
    const mending = write && ({ kind: "rows", uid, writes: [write] } as const);
    if (found.length < wrongMax) found.push({ key, finding: { where: name, problem, mending } });
  };
  let after: string | undefined;
  do {
    const page = await objects.page(uid, { prefix: "", limit: pageRows, ...(after !== undefined && { after }) });
    for (const row of page.rows) {
      missing.delete(row.key);
      const wrong = wrongRow(row, known);
      if (wrong !== undefined) tell(row.key, `the row ${row.key} ${wrong.why}`, wrong.write);
    }
    after = page.next;
  } while (after !== undefined);
  for (const [key, last] of missing) tell(key, `the row ${key} is missing`, writeOf(key, known.state.last.get(key) ?? last));
  if (found.length === 0) return [];
  // A row that was written after the log was read is as the log says by now, or will be looked at the next time.
  const touched = await touchedAfter(log, uid, known.state.head);
  return found.filter(({ key }) => !touched.has(key)).map(({ finding }) => finding);
}

/** A row may be ahead of applied: whoever writes rows moves the marker after them. */
function wrongRow(
  row: Row,
  { markers, state }: Known,
): { readonly why: string; readonly write: RowWrite | undefined } | undefined {
  const { key, revision, value } = row;
  const newest = state.last.get(key);
  const due = state.applied.get(key);
  if (newest === undefined) return untouchedRow(row, markers);
  const at = newest.revision === revision ? newest : due?.revision === revision ? due : undefined;
  // Between the two the log's middle states are not kept: a row there has a lower revision than the newest, and is not behind.
  if (at === undefined && revision > (due?.revision ?? markers.stripped) && revision < newest.revision) return undefined;
  const write = writeOf(key, newest);
  if (at === undefined) return { why: `is of revision ${revision}, not ${newest.revision}`, write };
  if (at.change.action === "delete") return { why: `was deleted at revision ${at.revision}`, write };
  return isDeepStrictEqual(value, at.change.value) ? undefined : { why: `differs from its entry at revision ${revision}`, write };
}

function untouchedRow({ key, revision }: Row, { first, stripped }: Markers) {
  if (revision >= first && revision <= stripped) return undefined;
  // With the whole log at hand, or above what was stripped, an entry would stand behind it.
  const write = { action: "delete", key, revision: Math.max(revision, first) } as const;
  return { why: `is of revision ${revision}, at which the log has nothing of it`, write };
}

function writeOf(key: string, { revision, change }: Last): RowWrite {
  return change.action === "delete"
    ? { action: "delete", key, revision }
    : { action: "create", key, revision, value: change.value };
}
