/**
 * The rules of the template that turn events on the bus into wake-ups, judged as EventBridge judges them: each field that a pattern names
 * must be there, with one of its values. Of patterns only what these rules use is known; anything else is an error.
 */
import * as z from "zod";
import type { JsonObject } from "../../../shared/base/json.ts";
import { type Resources, templateOf } from "../../cdk/synth.ts";

type Pattern = { readonly [field: string]: Pattern } | readonly unknown[];

const anythingBut = z.strictObject({ "anything-but": z.array(z.string()) });
const transformer = z.object({ InputPathsMap: z.record(z.string(), z.string()), InputTemplate: z.string() });
const properties = z.object({
  EventPattern: z.custom<Pattern>().optional(),
  Targets: z.array(z.object({ InputTransformer: transformer.optional() })),
});

type Rule = { readonly pattern: Pattern; readonly message: z.infer<typeof transformer> };

/** What an event on the bus puts in the queue: a message for each rule that lets it through. */
export function wakeRules(): (event: JsonObject) => readonly string[] {
  const rules = Object.values(templateOf().findResources("AWS::Events::Rule") as Resources).flatMap(rulesOf);
  return (event) => rules.filter(({ pattern }) => matches(pattern, event)).map(({ message }) => messageOf(message, event));
}

function rulesOf({ Properties }: Resources[string]): readonly Rule[] {
  const { EventPattern: pattern, Targets } = properties.parse(Properties);
  return Targets.flatMap(({ InputTransformer: message }) =>
    pattern === undefined || message === undefined ? [] : [{ pattern, message }],
  );
}

function matches(pattern: Pattern, value: unknown): boolean {
  if (isList(pattern)) return value !== undefined && pattern.some((wanted) => isOne(wanted, value));
  const fields = typeof value === "object" && value !== null ? (value as Readonly<Record<string, unknown>>) : {};
  return Object.entries(pattern).every(([name, below]) => matches(below, fields[name]));
}

const isList = (pattern: Pattern): pattern is readonly unknown[] => Array.isArray(pattern);

/** @throws z.ZodError for a kind of value that no rule here had. */
const isOne = (wanted: unknown, value: unknown): boolean =>
  typeof wanted === "string" ? wanted === value : !anythingBut.parse(wanted)["anything-but"].some((other) => other === value);

/** `{"cluster":<name>}` with what stands at the path that the name has. */
function messageOf({ InputPathsMap, InputTemplate }: Rule["message"], event: JsonObject): string {
  return InputTemplate.replace(/<([\w-]+)>/g, (_, name: string) => JSON.stringify(at(InputPathsMap[name] ?? "", event)));
}

/** `$.detail.data.uid` */
const at = (path: string, event: JsonObject): unknown =>
  path
    .split(".")
    .slice(1)
    .reduce<unknown>((value, name) => (value as Readonly<Record<string, unknown>> | undefined)?.[name], event);
