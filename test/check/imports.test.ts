/**
 * Holds DESIGN section 9: which room may import which, that there are no cycles, and that clock, environment and randomness are
 * read only where they may be. Reads the sources as text; every import in the project is a plain `from "…"` or `import("…")`.
 */
import { globSync, readFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, it } from "vitest";

const root = path.resolve(import.meta.dirname, "../..");

/** The one thing that the stack and an adapter share. */
const tableNames = "shared/log/dynamodb/tables.ts";

/** What each room may import beside itself: rooms, packages ("node:*" for Node's own). A room's sub-folder may have its own row. */
const rules: Readonly<Record<string, readonly string[]>> = {
  "shared/base": ["node:*"],
  "shared/kinds": ["shared/base", "zod"],
  "shared/log": ["shared/base", "node:*"],
  "shared/log/sqlite": ["shared/log", "shared/base", "node:*"],
  "shared/log/memory": ["shared/log", "shared/base", "node:*"],
  "shared/log/dynamodb": ["shared/log", "shared/base", "node:*", "@aws-sdk/client-dynamodb", "@smithy/node-http-handler"],
  "shared/state": ["shared/log", "shared/kinds", "shared/base", "node:*"],
  "shared/kv": ["shared/log", "shared/kinds", "shared/state", "shared/base", "node:*"],
  "shared/access": ["shared/state/doctor", "shared/log", "shared/base", "node:*", "jose", "zod"],
  "shared/http": ["hono"],
  "shared/api": [
    "shared/access",
    "shared/http",
    "shared/state",
    "shared/state/doctor",
    "shared/state/core-events",
    "shared/state/garbage",
    "shared/state/quota",
    "shared/kinds",
    "shared/log",
    "shared/base",
    "node:*",
    "prom-client",
    "protobufjs",
    "yaml",
    "zod",
  ],
  "shared/fleet": [
    "shared/state",
    "shared/state/core-events",
    "shared/state/garbage",
    "shared/log",
    "shared/kinds",
    "shared/base",
    "node:*",
  ],
  "shared/fleet/docker": ["shared/fleet", "shared/fleet/engine", "shared/base", "node:*", "dockerode", "zod"],
  "shared/docker-api": [
    "shared/access",
    "shared/http",
    "shared/fleet",
    "shared/fleet/containers",
    "shared/fleet/engine",
    "shared/fleet/fleet",
    "shared/fleet/nodes",
    "shared/fleet/secrets",
    "shared/state",
    "shared/kinds",
    "shared/log",
    "shared/base",
    "node:*",
    "prom-client",
    "zod",
  ],
  "shared/routes": ["shared/state", "shared/log", "shared/kinds", "shared/base", "node:*"],
  "shared/routes/targets": ["shared/routes", "shared/base", "node:*", "@aws-sdk/client-eventbridge"],
  cdk: ["aws-cdk-lib", "constructs", "esbuild", "node:*", tableNames],
  functions: [
    "shared/*",
    "node:*",
    "@aws-sdk/client-cloudformation",
    "@aws-sdk/client-lambda",
    "@aws-sdk/client-secrets-manager",
    "@aws-sdk/client-sqs",
    "package.json",
    "hono",
    "@peculiar/x509",
    "commander",
    "prom-client",
    "reflect-metadata",
    "yaml",
    "zod",
  ],
};

type Import = { readonly file: string; readonly target: string };

const files = globSync("{cdk,functions,shared}/**/*.ts", { cwd: root });
const sources = new Map(files.map((file) => [file, readFileSync(path.join(root, file), "utf8")]));
const imports = [...sources].flatMap(([file, text]) => importsOf(file, text));

describe("imports", () => {
  it("every room imports only what DESIGN section 9 lets it import", () => {
    expect(files.length).toBeGreaterThan(20);
    expect(imports.filter((one) => !allowed(one)).map(({ file, target }) => `${file} imports ${target}`)).toEqual([]);
  });

  it("the rules bite", () => {
    const found = importsOf(
      "shared/kinds/a.ts",
      'import { b } from "../log/ports.ts";\nexport type {\n  C,\n} from "node:fs";\nawait import("hono");\nimport "zod";',
    );
    expect(found.map(({ target }) => target)).toEqual(["shared/log/ports.ts", "node:fs", "hono", "zod"]);
    expect(found.map(allowed)).toEqual([false, false, false, true]);
    expect(allowed({ file: "shared/api/a.ts", target: "shared/log/sqlite/open.ts" })).toBe(false);
  });

  it("of the log room, other rooms see the ports and what stands beside them, never an adapter", () => {
    const adapters = /^shared\/log\/(sqlite|dynamodb|memory)\//;
    const wrong = imports.filter(
      ({ file, target }) =>
        adapters.test(target) && target !== tableNames && !file.startsWith("functions/") && !adapters.test(file),
    );
    expect(wrong).toEqual([]);
  });

  it("no file imports itself, directly or through others", () => {
    expect(cycle()).toEqual([]);
  });

  it("the clock, random numbers and the environment are read in base and functions only", () => {
    const reads =
      /\bDate\.now\(|new Date\(\)|performance\.now\(|\bMath\.random\(|randomUUID\(|process\.env\b|\bsetTimeout\(|\bsetInterval\(/;
    const wrong = [...sources]
      .filter(([file, text]) => !/^(shared\/base|functions|cdk)\//.test(file) && reads.test(text))
      .map(([file]) => file);
    expect(wrong).toEqual([]);
    const environment = [...sources].filter(([file, text]) => !/^(functions|cdk)\//.test(file) && /process\.env\b/.test(text));
    expect(environment.map(([file]) => file)).toEqual([]);
  });

  it("each file begins with what it is", () => {
    expect([...sources].filter(([, text]) => !text.replace(/^#!.*\n/, "").startsWith("/**")).map(([file]) => file)).toEqual([]);
  });
});

function importsOf(file: string, text: string): Import[] {
  const code = text.replaceAll(/\/\*[\s\S]*?\*\//g, "");
  return [...code.matchAll(/(?:^(?:import|export)\b[^"';]*\bfrom |^import |\bimport\()"([^"]+)"/gm)].map(([, name = ""]) => ({
    file,
    target: name.startsWith(".") ? path.normalize(path.join(path.dirname(file), name)) : name,
  }));
}

/** The longest row that holds the file. */
function roomOf(file: string): string | undefined {
  const rooms = Object.keys(rules).filter((room) => file.startsWith(`${room}/`));
  return rooms.sort((one, other) => other.length - one.length)[0];
}

function allowed({ file, target }: Import): boolean {
  const room = roomOf(file);
  if (room === undefined) return false;
  const inProject = sources.has(target);
  if (inProject && target.startsWith(`${room}/`)) return true;
  return (rules[room] ?? []).some((rule) => {
    if (rule === "node:*") return target.startsWith("node:");
    if (rule === "shared/*") return inProject && target.startsWith("shared/");
    if (rule.startsWith("shared/")) return inProject && (target === rule || path.dirname(target) === rule);
    return target === rule || target.startsWith(`${rule}/`);
  });
}

/** The first cycle that is found, as the way round; empty: none. */
function cycle(): string[] {
  const targets = new Map(
    files.map((file) => [
      file,
      imports.filter((one) => one.file === file && sources.has(one.target)).map(({ target }) => target),
    ]),
  );
  const done = new Set<string>();
  const walk = (file: string, way: readonly string[]): string[] => {
    if (way.includes(file)) return [...way.slice(way.indexOf(file)), file];
    if (done.has(file)) return [];
    for (const target of targets.get(file) ?? []) {
      const found = walk(target, [...way, file]);
      if (found.length > 0) return found;
    }
    done.add(file);
    return [];
  };
  for (const file of files) {
    const found = walk(file, []);
    if (found.length > 0) return found;
  }
  return [];
}
