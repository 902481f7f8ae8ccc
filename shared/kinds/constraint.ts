/**
 * Placement rules as text: constraints, which a node must meet (swarmkit's, `node.labels.disk==ssd`), and affinities, which say
 * beside what a task would rather stand or not (`service!=web`). Here is only their grammar; placement judges them.
 */
import * as z from "zod";
import { qualifiedNameProblems } from "./names.ts";

export type Constraint = { readonly key: string; readonly operator: "==" | "!="; readonly value: string };

const constraintKeys = [
  "node.id",
  "node.name",
  "node.hostname",
  "node.ip",
  "node.role",
  "node.platform.os",
  "node.platform.arch",
];
const constraintPrefixes = ["node.labels.", "engine.labels."];
const affinityKeys = ["service", "image"];
const affinityPrefixes = ["labels."];
/** swarmkit's alphabet of values, without what only patterns need. */
const valuePattern = /^[A-Za-z0-9:\-_.*/ ]+$/;

/** A rule's parts. @returns the problem as text when it is not one. */
export function parseConstraint(text: string): Constraint | string {
  return parseRule(text, constraintKeys, constraintPrefixes);
}

/** As parseConstraint, with the keys of an affinity: the service, image or labels of what runs on the node. */
export function parseAffinity(text: string): Constraint | string {
  return parseRule(text, affinityKeys, affinityPrefixes);
}

export const constraintSchema = ruleSchema(parseConstraint);
export const affinitySchema = ruleSchema(parseAffinity);

/** What tasks are spread over: a label of nodes or engines, as swarmkit's SpreadDescriptor. */
export const spreadSchema = z.string().check(({ value, issues }) => {
  if (isKey(value, [], constraintPrefixes)) return;
  const message = `must be one of ${constraintPrefixes.map((prefix) => `${prefix}<label>`).join(", ")}`;
  issues.push({ code: "custom", message, input: value });
});

function ruleSchema(parse: (text: string) => Constraint | string) {
  return z.string().check(({ value, issues }) => {
    const rule = parse(value);
    if (typeof rule === "string") issues.push({ code: "custom", message: rule, input: value });
  });
}

function parseRule(text: string, keys: readonly string[], prefixes: readonly string[]): Constraint | string {
  const match = /^([^=!]*)(==|!=)([^=!]*)$/.exec(text);
  if (!match) return "must be a key, one operator of ==, != and a value";
  const [key, operator, value] = [(match[1] ?? "").trim(), match[2] === "==" ? "==" : "!=", (match[3] ?? "").trim()] as const;
  if (!isKey(key, keys, prefixes))
    return `key ${JSON.stringify(key)} must be one of ${[...keys, ...prefixes.map((prefix) => `${prefix}<label>`)].join(", ")}`;
  if (!valuePattern.test(value)) return `value ${JSON.stringify(value)} must be of letters, digits, spaces and :-_.*/`;
  return { key, operator, value };
}

function isKey(key: string, keys: readonly string[], prefixes: readonly string[]): boolean {
  if (keys.includes(key)) return true;
  const prefix = prefixes.find((each) => key.startsWith(each));
  return prefix !== undefined && qualifiedNameProblems(key.slice(prefix.length)).length === 0;
}
