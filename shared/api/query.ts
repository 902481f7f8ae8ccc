/** Query parameters as Kubernetes reads them (apimachinery, runtime/conversion): booleans and whole numbers. */
import { badRequest } from "./errors.ts";

/** Absent is false; "0" and "false" are false; all else, also an empty value, is true. */
export function parseFlag(text: string | undefined): boolean {
  return text !== undefined && text !== "0" && text.toLowerCase() !== "false";
}

/** undefined where absent or empty. @throws RefusedError when it is not a whole number of 0 or more. */
export function parseCount(name: string, text: string | undefined): number | undefined {
  if (text === undefined || text === "") return undefined;
  if (!/^[0-9]{1,15}$/.test(text))
    throw badRequest(`${name}: Invalid value: ${JSON.stringify(text)}: must be a whole number, 0 or more`);
  return Number(text);
}
