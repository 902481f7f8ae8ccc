/** The room's README tells of every route, with who may and where the answer comes from. */
import { readFileSync } from "node:fs";
import path from "node:path";
import { expect, it } from "vitest";
import { routeRows } from "../../shared/docker-api/routes.ts";

const file = path.resolve(import.meta.dirname, "../../shared/docker-api/README.md");

/** `GET, HEAD /a, /b (why)` is four routes. */
function told(): string[] {
  const rows = readFileSync(file, "utf8")
    .split("\n")
    .filter((line) => /^\| [A-Z]+/.test(line));
  return rows.flatMap((line) => {
    const [, routes = "", right = "", from = ""] = line.split("|").map((cell) => cell.trim());
    const words = routes
      .replace(/\(.*\)/, "")
      .split(/[ ,]+/)
      .filter((word) => word !== "");
    const paths = words.filter((word) => word.startsWith("/"));
    return words
      .filter((word) => !word.startsWith("/"))
      .flatMap((method) => paths.map((one) => `${method} ${one} ${right} ${from}`));
  });
}

it("the README's table has every route, and no other", () => {
  const served = routeRows.map(
    ({ method, path: one, right, service }) => `${method} ${one.replaceAll("{.+}", "")} ${right} ${service}`,
  );
  expect(told().sort()).toEqual(served.sort());
});
