/** What several kinds' statuses share: conditions, as Kubernetes' API conventions ("Typical status properties") lay them out. */
import * as z from "zod";
import type { Frozen } from "./frozen.ts";

const conditionSchema = z
  .object({
    type: z.string().min(1).describe("What it is about, CamelCase, like Available; one condition a type."),
    status: z.enum(["True", "False", "Unknown"]).describe("Whether it holds."),
    reason: z.string().describe("Why, for programs: one CamelCase word.").optional(),
    message: z.string().describe("Why, for people.").optional(),
    lastTransitionTime: z.iso.datetime({ offset: true }).describe("When the status last changed.").optional(),
    observedGeneration: z.int().min(0).describe("The generation of the spec that it was judged by.").optional(),
  })
  .describe("One aspect of the object's state.");
export type Condition = Frozen<z.infer<typeof conditionSchema>>;

export const conditionsSchema = z
  .array(conditionSchema)
  .superRefine(uniqueTypes)
  .describe("Aspects of the object's state; one a type.")
  .meta({ "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["type"] });
export const observedGenerationSchema = z.int().min(0).describe("The generation of the spec that this status answers.");

/** Those who apply own conditions one by one, by their type. */
function uniqueTypes(conditions: readonly { readonly type: string }[], context: z.RefinementCtx): void {
  const seen = new Set<string>();
  for (const [index, { type }] of conditions.entries()) {
    if (seen.has(type)) context.addIssue({ code: "custom", path: [index, "type"], message: "must be unique", input: type });
    seen.add(type);
  }
}
