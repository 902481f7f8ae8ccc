/** The environment of a Lambda function, checked when it is loaded: a function that is set up wrong fails before it does anything. */
import * as z from "zod";

export type Environment = Readonly<Record<string, string | undefined>>;

/** The function's variables are not what it needs; the message names each. */
export class EnvironmentError extends Error {
  override readonly name = "EnvironmentError";
}

const word = z.string().min(1).max(1_024);

export const tableVariables = { WINDLASS_LOG_TABLE: word, WINDLASS_OBJECTS_TABLE: word };
export const busVariables = { WINDLASS_BUS: word };
export const stackVariables = { WINDLASS_STACK: word };
export const queueVariables = { WINDLASS_FLEET_QUEUE: word };
export const wordVariable = word;

/** Words parted by commas; absent or empty: none. */
export const listVariable = z
  .string()
  .max(4_096)
  .default("")
  .transform((text): readonly string[] => text.split(",").filter((part) => part !== ""));

/** A variable that holds JSON of the form `schema`; absent or empty: undefined. */
export const jsonVariable = <T extends z.ZodType>(schema: T) =>
  z
    .string()
    .optional()
    .transform((text, context): z.output<T> | undefined => {
      if (text === undefined || text === "") return undefined;
      try {
        const parsed = schema.safeParse(JSON.parse(text));
        if (parsed.success) return parsed.data;
        for (const { path, message } of parsed.error.issues) context.addIssue(`${path.join(".")}: ${message}`);
      } catch {
        context.addIssue("it is not JSON");
      }
      return z.NEVER;
    });

/** @throws EnvironmentError */
export function readEnvironment<S extends z.ZodRawShape>(shape: S, environment: Environment): z.output<z.ZodObject<S>> {
  const parsed = z.object(shape).safeParse(environment);
  if (parsed.success) return parsed.data;
  throw new EnvironmentError(parsed.error.issues.map(({ path, message }) => `${path.join(".")}: ${message}`).join("; "));
}
