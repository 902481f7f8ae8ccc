/** Rules of the fleet (DESIGN section 5), each broken once by an edit of a copy of the code. The simulation must notice every one. */
import type { Edit } from "../code.ts";
import type { Focus } from "./plan.ts";

export type Mutation = {
  readonly name: string;
  readonly edits: readonly Edit[];
  /** Runs in which the rule matters more often. */
  readonly focus?: Focus;
};

const mutation = (name: string, ...edits: readonly Edit[]): Mutation => ({ name, edits });
const focused = (focus: Focus, made: Mutation): Mutation => ({ ...made, focus });
const edit = (file: string, find: string, put: string): Edit => ({ file: `fleet/${file}`, find, put });

export const mutations: readonly Mutation[] = [
  mutation(
    "a task's attempt is not committed first",
    edit(
      "agent/prepare.ts",
      "beginAttempt(transaction, { place, ...fresh, nodeUid: node.metadata.uid, spec, names: namesOf(place, fresh.id) });",
      "void [node, spec, beginAttempt, namesOf];",
    ),
  ),
  mutation(
    "a user's attempt is not committed first",
    edit(
      "containers/attempts.ts",
      "    const { value: begun } = await store.update(begin, request);\n",
      "    void begin;\n    const begun = { spec: request.spec };\n",
    ),
  ),
  mutation(
    "the label of the cluster's uid is ignored",
    edit("containers/labels.ts", 'clusterUids.has(labels[clusterUidLabel] ?? "") && ', "clusterUids.size > 0 && "),
  ),
  mutation(
    "a container is ours by its name",
    edit("containers/labels.ts", "const attempt = labels[attemptLabel];", 'const attempt = engineName?.replace(/^\\//, "");'),
    edit("containers/labels.ts", 'clusterUids.has(labels[clusterUidLabel] ?? "") && ', "clusterUids.size > 0 && "),
  ),
  mutation(
    "a container is ours by its labels",
    edit("containers/labels.ts", 'engineName?.replace(/^\\//, "") === attempt', "engineName !== undefined"),
  ),
  mutation(
    "stale attempts stay",
    edit("agent/observe.ts", 'if (object === undefined) return { kind: "stale" };', "if (object === undefined) return same;"),
  ),
  mutation("a task's state goes back", edit("agent/task-state.ts", "if (steps < 0 || isOver(task) || isSaid)", "if (isSaid)")),
  focused(
    { slow: true },
    mutation(
      "an attempt that is over is completed",
      edit(
        "containers/attempt.ts",
        "const current = currentAttempt(transaction, place, id);\n  if (current === undefined || current.status?.containerId === made.containerId) return current;\n  // The engine has it, so whoever looked first knows more.\n  if (current.status?.containerId !== undefined) return undefined;",
        "const current = transaction.containers.get(place.name, place.namespace);\n  void id;\n  if (current === undefined) return undefined;",
      ),
    ),
  ),
  mutation(
    "what an engine shows no more is not looked at",
    edit(
      "agent/relist.ts",
      "if (status?.containerId !== undefined && !listed.has(status.containerId)) ids.push(status.containerId);",
      "void status;",
    ),
  ),
  focused(
    { deaf: true },
    mutation("nothing is listed again", edit("agent/policy.ts", "relistMs: 30_000", "relistMs: 30_000_000")),
  ),
  mutation(
    "late attempts of people stay",
    edit("agent/relist.ts", "await dropLate(site, { objects, listed, startedMs });", "void [dropLate, startedMs];"),
  ),
  mutation(
    "foreign containers are stale",
    edit(
      "agent/observe.ts",
      "if (attempt === undefined) return adoptForeign(transaction, look);",
      'if (attempt === undefined) return { kind: "stale" };\n  void adoptForeign;',
    ),
  ),
  mutation(
    "with its node goes a user's object",
    edit("agent/lost.ts", 'const isForgotten = origin === "foreign" ||', 'const isForgotten = origin !== "task" ||'),
  ),
  mutation(
    "probes are committed",
    edit(
      "nodes/verdict.ts",
      "return verdict === undefined || isDeepStrictEqual(verdict.status, node.status) ? undefined : verdict;",
      "void isDeepStrictEqual;\n  return verdict;",
    ),
  ),
  mutation(
    "a node that is down keeps its tasks",
    edit("reconcile/fate.ts", 'if (state === "down") return', "if (state === undefined) return"),
    edit("reconcile/fate.ts", "if (isSilent && until <= this.#now)", "if (isSilent && until <= 0)"),
  ),
  mutation(
    "a node that is drained keeps its tasks",
    edit("reconcile/fate.ts", 'if (node.spec.availability === "drain") return', "if (node.spec.role === undefined) return"),
  ),
  mutation(
    "a node goes before the containers of its tasks",
    edit(
      "reconcile/removal.ts",
      "if (!isLost && containersLeft?.has(name)) plan.wake(lookAt(node, now));",
      "void [lookAt, now, containersLeft];",
    ),
    edit("reconcile/removal.ts", "    else plan.releases.push(", "    plan.releases.push("),
    edit("reconcile/hold.ts", ": containersOf(containers, name) > 0)", ": containersOf(containers, name) < 0)"),
  ),
  mutation(
    "a node is not held",
    edit(
      "reconcile/commit.ts",
      '    if (nodeName !== undefined && state === "assigned") hold(transaction, nodeName);\n',
      "    void [nodeName, state];\n",
    ),
    edit("reconcile/removal.ts", 'if (isBusy) plan.holds.push({ do: "hold", node });', ""),
  ),
  mutation("a task's container that ran is taken for new", edit("agent/task-state.ts", 'case "exited":\n', "")),
  focused(
    { full: true },
    mutation(
      "what replaces a task finds its room taken by it",
      edit("reconcile/commit.ts", "const comeBack = vacate(transaction, ends);", "const comeBack = vacate(transaction, []);"),
    ),
  ),
  mutation(
    "a lease never expires",
    edit(
      "nodes/lease.ts",
      "if (cell === undefined || (cell.expires ?? 0) <= now) return undefined;",
      "if (cell === undefined || (cell.expires ?? 0) <= 0) return undefined;",
    ),
  ),
  mutation(
    "a container that was started late runs on",
    edit(
      "agent/jobs.ts",
      'if (isLive(container)) return { do: "stop", key, task, container };\n  return isLeaving',
      "return isLeaving",
    ),
  ),
];
