/** Walks typed into real kubectls, each kubectl on an embedded server of its own that ends with it. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Kubectl, type Typed, type } from "./kubectl.ts";
import { Server } from "./server.ts";

/** A walk's server, and how it is typed to. */
export type Walk = {
  readonly kubectl: Kubectl;
  /** The server's own folder, for files that are typed about. */
  folder(): string;
  server(): Server;
  typed(...words: readonly string[]): Promise<Typed>;
  /** What it prints; it must succeed. */
  out(...words: readonly string[]): Promise<string>;
};

/** The README's first objects. */
export const fleet = path.resolve(import.meta.dirname, "../../examples/fleet.yaml");

/** Registers `walk` for each of `found`, every one on an embedded server of its own. */
export function onEach(found: readonly Kubectl[], walk: (walk: Walk) => void): void {
  for (const kubectl of found) {
    describe(`kubectl ${kubectl.version}`, () => {
      let folder: string;
      let server: Server;
      beforeAll(async () => {
        folder = await mkdtemp(path.join(tmpdir(), "windlass-"));
        server = await Server.start(folder);
      });
      afterAll(async () => {
        await server?.end();
        await rm(folder, { recursive: true });
      });
      const typed = (...words: readonly string[]) => type(kubectl, server.kubeconfig, ...words);
      const out = async (...words: readonly string[]): Promise<string> => {
        const { code, out: text, err } = await typed(...words);
        expect([words.join(" "), code, code === 0 ? "" : err]).toEqual([words.join(" "), 0, ""]);
        return text;
      };
      walk({ kubectl, folder: () => folder, server: () => server, typed, out });
    });
  }
  // kubectls() has said what to install; a file without any test would fail.
  if (found.length === 0) describe.skip("kubectl", () => it("the walk", () => undefined));
}
