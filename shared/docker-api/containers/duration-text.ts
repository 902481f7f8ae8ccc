/** How Docker tells people how long something took or is ago (docker/go-units, HumanDuration): `About a minute`, `3 weeks`. */

const steps: readonly { readonly below: number; readonly unit: number; readonly name: string }[] = [
  { below: 60, unit: 1, name: "seconds" },
  { below: 3_600, unit: 60, name: "minutes" },
  { below: 48 * 3_600 - 1_800, unit: 3_600, name: "hours" },
  { below: 14 * 24 * 3_600, unit: 24 * 3_600, name: "days" },
  { below: 60 * 24 * 3_600, unit: 7 * 24 * 3_600, name: "weeks" },
  { below: 2 * 365 * 24 * 3_600, unit: 30 * 24 * 3_600, name: "months" },
];

export function durationText(ms: number): string {
  const seconds = Math.floor(ms / 1_000);
  if (seconds < 1) return "Less than a second";
  if (seconds === 1) return "1 second";
  if (seconds >= 60 && seconds < 120) return "About a minute";
  const hours = Math.floor(seconds / 3_600 + 0.5);
  if (seconds >= 3_600 && hours === 1) return "About an hour";
  const step = steps.find(({ below }) => seconds < below);
  if (step === undefined) return `${Math.floor(seconds / (365 * 24 * 3_600))} years`;
  return `${step.name === "hours" ? hours : Math.floor(seconds / step.unit)} ${step.name}`;
}
