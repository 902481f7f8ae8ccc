/**
 * Whether a row of `docker ps` says that a container is no longer as its object shows it, so that it must be inspected. Pure. It may say
 * yes too often (then nothing is committed), never no about what the row shows.
 */
import { isDeepStrictEqual } from "node:util";
import type { Container, ContainerObjectStatus } from "../../kinds/container.ts";
import { networksOf, stateOfEngine } from "../containers/seen.ts";
import type { ContainerSummary } from "../engine/containers.ts";

export function needsLook(summary: ContainerSummary, object: Container | undefined, nowMs: number): boolean {
  const status = object?.status;
  if (status === undefined || status.containerId !== summary.Id) return true;
  const { health, exitCode } = parsed(summary.Status);
  return (
    status.state !== stateOfEngine(summary.State) ||
    status.engineName !== engineNameOf(summary) ||
    (health !== undefined && status.health !== health) ||
    (exitCode !== undefined && status.exitCode !== exitCode && status.state === "exited") ||
    status.imageId !== summary.ImageID ||
    !isDeepStrictEqual(publishedOf(status), publishedIn(summary)) ||
    !isDeepStrictEqual(addressed(status.networks, status), addressed(networksIn(summary), status)) ||
    isAnotherRun(summary, status, nowMs)
  );
}

/** A container that is linked stands under its own name and `/other/alias`. */
export const engineNameOf = ({ Names }: ContainerSummary): string | undefined =>
  Names.map((name) => name.replace(/^\//, "")).find((name) => name !== "" && !name.includes("/"));

const publishedOf = ({ ports = [] }: ContainerObjectStatus): readonly string[] =>
  distinct(ports.flatMap(({ hostPort, containerPort, protocol }) => portText(hostPort, containerPort, protocol)));
const publishedIn = ({ Ports }: ContainerSummary): readonly string[] =>
  distinct(Ports.flatMap(({ PublicPort, PrivatePort, Type }) => portText(PublicPort, PrivatePort, Type)));
const portText = (hostPort: number | undefined, containerPort: number, protocol: string): readonly string[] =>
  hostPort === undefined ? [] : [`${hostPort}->${containerPort}/${protocol}`];
const distinct = (texts: readonly string[]): readonly string[] => [...new Set(texts)].sort();

function networksIn(summary: ContainerSummary): Readonly<Record<string, string>> | undefined {
  const settings = summary["NetworkSettings"] as { readonly Networks?: unknown } | null | undefined;
  return networksOf(settings?.Networks);
}

type Parsed = {
  readonly health: ContainerObjectStatus["health"];
  readonly ageMaxMs: number | undefined;
  readonly exitCode: number | undefined;
};

/** Of one that does not run only the names: Docker's list may show the address of a start that failed. */
function addressed(networks: ContainerObjectStatus["networks"] = {}, { state }: ContainerObjectStatus): object {
  return state === "running" || state === "paused" ? networks : Object.keys(networks).sort();
}

/** Docker's text for people, of go-units' HumanDuration: `Up 5 minutes (healthy)`, `Exited (1) About an hour ago`. */
function parsed(text: string): Parsed {
  const health = /\((?:health: )?(starting|healthy|unhealthy)\)/.exec(text)?.[1] as ContainerObjectStatus["health"];
  const code = /^Exited \((-?\d+)\)/.exec(text)?.[1];
  const exitCode = code === undefined ? undefined : Number(code);
  const [, count = "", unit = ""] = /(Less than a|About an?|\d+) (second|minute|hour|day|week|month|year)/.exec(text) ?? [];
  const unitMs = units[unit];
  return {
    health,
    exitCode,
    ageMaxMs: unitMs === undefined ? undefined : (Number.isNaN(Number(count)) ? 2 : Number(count) + 1) * unitMs,
  };
}

const dayMs = 24 * 3600e3;
const units: Readonly<Record<string, number>> = {
  second: 1e3,
  minute: 60e3,
  hour: 3600e3,
  day: dayMs,
  week: 7 * dayMs,
  month: 30 * dayMs,
  year: 365 * dayMs,
};
/** How far the engine's clock may be from ours before each look is made for nothing. */
const skewMs = 30_000;

/** It was started or ended again since: younger than what is known. */
function isAnotherRun({ Status }: ContainerSummary, { state, startedAt, finishedAt }: ContainerObjectStatus, nowMs: number) {
  const since = state === "exited" || state === "dead" ? finishedAt : startedAt;
  const { ageMaxMs } = parsed(Status);
  return since !== undefined && ageMaxMs !== undefined && nowMs - Date.parse(since) > ageMaxMs + skewMs;
}
