/** How `npm test` runs the suites: all of them, with what they need beside Node started once, at the first wish. */
import path from "node:path";
import { defineConfig } from "vitest/config";

export default defineConfig({
  root: path.resolve(import.meta.dirname, ".."),
  test: {
    include: ["test/**/*.test.ts"],
    testTimeout: 60_000,
    hookTimeout: 300_000,
    globalSetup: [path.join(import.meta.dirname, "global-setup.ts")],
  },
});
