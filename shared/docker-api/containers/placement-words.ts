/**
 * Classic Swarm's words for where a container goes: `-e constraint:node==node-a`, `-e constraint:zone!=b`, `-e affinity:container==web`,
 * `-e affinity:image==redis`, and the same in the labels `com.docker.swarm.constraints` and `.affinities` as JSON lists. They are taken out of the environment: they
 * are not for the container. A `~` after the operator makes a rule a wish, which is left out where it can't be met.
 */
import { type Json, type JsonObject, objectOf } from "../../base/json.ts";
import { badParameter } from "../errors.ts";

export type Rule = { readonly key: string; readonly operator: "==" | "!="; readonly value: string; readonly isWish: boolean };

export type PlacementWords = {
  readonly constraints: readonly Rule[];
  readonly affinities: readonly Rule[];
  /** The body without them. */
  readonly body: JsonObject;
};

const label = { constraints: "com.docker.swarm.constraints", affinities: "com.docker.swarm.affinities" } as const;
/** Rules of one container. */
const rulesMax = 100;
const form = /^([\w./-]+)(==|!=)(~?)([^=!~].*)?$/;

/** Swarm's keys that are more than a label's name. */
const nodeKeys: Readonly<Record<string, string>> = {
  node: "node.name",
  operatingsystem: "node.platform.os",
  ostype: "node.platform.os",
  architecture: "node.platform.arch",
};

/** @throws DockerError 400 that names the rule. */
export function placementWords(body: JsonObject): PlacementWords {
  const environment = listOf(body["Env"], "Env");
  const kept = environment.filter((one) => typeof one !== "string" || !/^(constraint|affinity):/.test(one));
  const rules = (kind: "constraint" | "affinity", labelled: string): Rule[] => {
    const texts = environment.flatMap((one) =>
      typeof one === "string" && one.startsWith(`${kind}:`) ? [one.slice(kind.length + 1)] : [],
    );
    const all = [...texts, ...labelledRules(body["Labels"], labelled)];
    if (all.length > rulesMax) throw badParameter(`there are ${all.length} rules of placement; at most ${rulesMax}`);
    return all.map(ruleOf);
  };
  return {
    constraints: rules("constraint", label.constraints),
    affinities: rules("affinity", label.affinities),
    body: { ...body, ...(kept.length !== environment.length && { Env: kept }) },
  };
}

/** In the words of a template's constraints: a bare word is a label of the node's. */
export function constraintText({ key, operator, value }: Rule): string {
  const known = nodeKeys[key] ?? (/^(node|engine)\./.test(key) ? key : `node.labels.${key}`);
  return `${known}${operator}${value}`;
}

function ruleOf(text: string): Rule {
  const [, key, operator, wish, value = ""] = form.exec(text) ?? [];
  if (key === undefined || /^\/.*\/$/.test(value) || value.includes("*")) {
    throw badParameter(
      `invalid rule of placement ${JSON.stringify(text)}: it must be key==value or key!=value, without patterns`,
    );
  }
  return { key, operator: operator === "!=" ? "!=" : "==", value, isWish: wish === "~" };
}

function labelledRules(labels: Json | undefined, name: string): string[] {
  const text = objectOf(labels)[name];
  if (typeof text !== "string") return [];
  try {
    const list: unknown = JSON.parse(text);
    if (Array.isArray(list) && list.every((one) => typeof one === "string")) return list;
  } catch {
    // Not JSON: refused below.
  }
  throw badParameter(`the label ${name} must be a JSON list of rules`);
}

function listOf(value: Json | undefined, name: string): readonly Json[] {
  if (value === undefined || value === null) return [];
  if (!Array.isArray(value)) throw badParameter(`invalid JSON: ${name} must be a list`);
  return value;
}
