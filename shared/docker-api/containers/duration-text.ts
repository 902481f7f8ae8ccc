/** How Docker tells people how long something took or is ago (docker/go-units, HumanDuration): `About a minute`, `3 weeks`. */

/** In hours, which are rounded first. */
const steps: readonly { readonly below: number; readonly unit: number; readonly name: string }[] = [
  { below: 48, unit: 1, name: "hours" },
  { below: 14 * 24, unit: 24, name: "days" },
  { below: 60 * 24, unit: 7 * 24, name: "weeks" },
  { below: 2 * 365 * 24, unit: 30 * 24, name: "months" },
];

export function durationText(ms: number): string {
  const seconds = Math.floor(ms / 1_000);
  if (seconds < 1) return "Less than a second";
  if (seconds === 1) return "1 second";
  if (seconds < 60) return `${seconds} seconds`;
  if (seconds < 120) return "About a minute";
  if (seconds < 3_600) return `${Math.floor(seconds / 60)} minutes`;
  const hours = Math.floor(seconds / 3_600 + 0.5);
  if (hours === 1) return "About an hour";
  const step = steps.find(({ below }) => hours < below);
  return step === undefined
    ? `${Math.floor(seconds / (365 * 24 * 3_600))} years`
    : `${Math.floor(hours / step.unit)} ${step.name}`;
}
