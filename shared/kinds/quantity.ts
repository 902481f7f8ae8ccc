/** Kubernetes' quantities (`64Mi`, `1.5G`, `2e3`) and durations (`10s`, `1h30m`) as text in objects, numbers in the program. */
import * as z from "zod";

const multipliers: Readonly<Record<string, number>> = {
  m: 1e-3,
  "": 1,
  k: 1e3,
  M: 1e6,
  G: 1e9,
  T: 1e12,
  P: 1e15,
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
  Ti: 2 ** 40,
  Pi: 2 ** 50,
};
const quantityPattern = /^(\d{1,15}(?:\.\d{0,9})?|\.\d{1,9})(?:([eE][+-]?\d{1,2})|(m|k|M|G|T|P|Ki|Mi|Gi|Ti|Pi))?$/;

const durationUnitsMs: Readonly<Record<string, number>> = { ns: 1e-6, us: 1e-3, µs: 1e-3, ms: 1, s: 1e3, m: 60e3, h: 3600e3 };
const durationPattern = /^(?:0|(?:\d{1,15}(?:\.\d{1,9})?(?:ns|us|µs|ms|s|m|h)){1,7})$/;
const durationPart = /(\d+(?:\.\d+)?)(ns|us|µs|ms|s|m|h)/g;
/** Longer waits are mistakes; it also keeps every sum of durations a safe integer of milliseconds. */
export const durationMaxMs = 366 * 24 * 3600e3;

/** The number of units that a quantity says (bytes for memory); undefined when it is not one, or not a safe number. */
export function parseQuantity(text: string): number | undefined {
  const match = quantityPattern.exec(text);
  if (!match) return undefined;
  const [, digits = "", exponent = "", suffix = ""] = match;
  const value = Number(`${digits}${exponent}`) * (multipliers[suffix] ?? 1);
  return value <= Number.MAX_SAFE_INTEGER ? value : undefined;
}

/** Milliseconds of a duration as Go writes it; undefined when it is not one, or over a year. */
export function parseDuration(text: string): number | undefined {
  if (!durationPattern.test(text)) return undefined;
  let ms = 0;
  for (const [, count, unit = ""] of text.matchAll(durationPart)) ms += Number(count) * (durationUnitsMs[unit] ?? 0);
  return ms <= durationMaxMs ? ms : undefined;
}

export const durationSchema = z.string().refine((text) => parseDuration(text) !== undefined, {
  error: "must be a duration of at most a year, like 500ms, 10s or 1h30m",
});

/** A number of bytes, whole and above 0. */
export const memorySchema = z
  .string()
  .refine(isBytes, { error: "must be a quantity of whole bytes above 0, like 64Mi, 1G or 134217728" });

function isBytes(text: string): boolean {
  const bytes = parseQuantity(text);
  return bytes !== undefined && bytes >= 1 && Number.isInteger(bytes);
}
