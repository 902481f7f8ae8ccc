/**
 * The filters of `docker ps` on Container objects: one predicate of all that are given. `volume`, and `network` by an id, only engines
 * know (`engineFilters`); `node` is classic Swarm's; `is-task` is true of what a Service's tasks run.
 */
import type { Container } from "../../kinds/container.ts";
import { badParameter } from "../errors.ts";
import { boolFilter, type Filters, invalidValue, matcher, matchesLabels } from "../filters.ts";
import { portFilter } from "./port-filter.ts";
import { listedName, shownName, shownState } from "./row.ts";

export const containerFilters: ReadonlySet<string> = new Set([
  "ancestor",
  "before",
  "expose",
  "exited",
  "health",
  "id",
  "is-task",
  "isolation",
  "label",
  "name",
  "network",
  "node",
  "publish",
  "since",
  "status",
  "volume",
]);

type Test = (container: Container) => boolean;

const states = ["created", "running", "paused", "restarting", "removing", "exited", "dead"];
const healths = ["starting", "healthy", "unhealthy", "none"];

/** `before` and `since` name containers, which `find` looks up. @throws DockerError 400, 404 */
export function listFilter(filters: Filters, find: (reference: string) => Container): Test {
  const tests: Test[] = [];
  for (const [name, values] of filters) if (values.length > 0) tests.push(testOf(name, values, { filters, find }));
  return (container) => tests.every((test) => test(container));
}

/** Filters that only engines can judge. */
export function engineFilters(filters: Filters): Readonly<Record<string, readonly string[]>> {
  const volumes = filters.get("volume") ?? [];
  const networks = (filters.get("network") ?? []).filter(isId);
  return { ...(volumes.length > 0 && { volume: volumes }), ...(networks.length > 0 && { network: networks }) };
}

/** Whether any state will do, as it does for engines when one is asked for. */
export const wantsAllStates = (filters: Filters): boolean => filters.has("status") || filters.has("exited");

const isId = (text: string): boolean => /^[0-9a-f]{12,64}$/.test(text);

function testOf(
  name: string,
  values: readonly string[],
  { filters, find }: { readonly filters: Filters; readonly find: (reference: string) => Container },
): Test {
  switch (name) {
    case "ancestor":
      return ancestorTest(values);
    case "before":
      return ageTest(values, find, (created, than) => created < than);
    case "since":
      return ageTest(values, find, (created, than) => created > than);
    case "publish":
    case "expose": {
      const matches = portFilter(name, values);
      return ({ status }) => matches(status?.ports ?? []);
    }
    case "exited":
      return exitTest(values);
    case "health":
      return oneOf("health", values, healths, ({ status }) => status?.health ?? "none");
    case "status":
      return oneOf("status", values, states, shownState);
    case "id": {
      const matches = matcher(values);
      return ({ status }) => matches(status?.containerId ?? "");
    }
    case "name": {
      const matches = matcher(values);
      // As engines: with the slash and without; and with the node before it, as it is listed.
      return (container) => [shownName(container), listedName(container)].some((name) => matches(name) || matches(name.slice(1)));
    }
    case "label":
      return ({ status }) => matchesLabels(status?.labels ?? {}, values);
    case "node":
      return ({ spec }) => values.includes(spec.nodeName);
    case "network":
      return ({ status }) => values.some((value) => isId(value) || Object.hasOwn(status?.networks ?? {}, value));
    case "is-task": {
      const wanted = boolFilter(filters, name);
      return ({ spec }) => (spec.origin === "task") === wanted;
    }
    default:
      return () => true;
  }
}

function oneOf(name: string, values: readonly string[], known: readonly string[], of: (container: Container) => string): Test {
  for (const value of values) if (!known.includes(value)) throw invalidValue(name, [value]);
  return (container) => values.includes(of(container));
}

function exitTest(values: readonly string[]): Test {
  const codes = values.map((value) => {
    if (!/^-?\d{1,10}$/.test(value)) throw invalidValue("exited", [value]);
    return Number(value);
  });
  return ({ status }) => status?.state === "exited" && codes.includes(status.exitCode ?? 0);
}

/** Docker's: the last one named counts. */
function ageTest(
  values: readonly string[],
  find: (reference: string) => Container,
  compare: (created: number, than: number) => boolean,
): Test {
  const reference = values.at(-1);
  if (reference === undefined) throw badParameter("invalid filter");
  const than = bornMs(find(reference));
  return (container) => compare(bornMs(container), than);
}

const bornMs = ({ metadata, status }: Container): number => Date.parse(status?.createdAt ?? metadata.creationTimestamp);

/** By reference or id: what an image was made of is its engine's to know. */
function ancestorTest(values: readonly string[]): Test {
  const names = new Set(values.map(withTag));
  const ids = values.map((value) => value.replace(/^sha256:/, "")).filter((value) => /^[0-9a-f]{4,64}$/.test(value));
  return ({ spec, status }) => {
    const id = status?.imageId?.replace(/^sha256:/, "") ?? "";
    return names.has(withTag(spec.image)) || ids.some((start) => id.startsWith(start));
  };
}

/** `busybox` is `docker.io/library/busybox:latest`. */
function withTag(reference: string): string {
  const plain = reference.replace(/^(?:index\.)?docker\.io\//, "").replace(/^library\/(?=[^/]+$)/, "");
  if (plain.includes("@") || plain.lastIndexOf(":") > plain.lastIndexOf("/")) return plain;
  return `${plain}:latest`;
}
