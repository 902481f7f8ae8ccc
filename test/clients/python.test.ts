/** Kubernetes' Python client against the embedded server: lists in pages, both patches, a conflict, the dynamic client, a watch. */
import { execFile } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Server } from "../local/server.ts";
import { findPython, pythonWithClient } from "./python-environment.ts";

const run = promisify(execFile);
const walk = path.join(import.meta.dirname, "python", "walk.py");
const python = findPython();

describe.skipIf(python === undefined)("Kubernetes' Python client", () => {
  let folder: string;
  let server: Server;
  let interpreter: string;

  beforeAll(async () => {
    interpreter = await pythonWithClient(python ?? "");
    folder = await mkdtemp(path.join(tmpdir(), "windlass-"));
    server = await Server.start(folder);
  });
  afterAll(async () => {
    await server?.end();
    if (folder !== undefined) await rm(folder, { recursive: true });
  });

  it("lists, patches, conflicts and watches", async () => {
    // The discovery cache of its dynamic client lies in the temporary folder.
    const { stdout } = await run(interpreter, [walk, server.kubeconfig], { env: { ...process.env, TMPDIR: folder } });
    expect(JSON.parse(stdout)).toEqual({
      pages: [["py-0", "py-1"], ["py-2"]],
      merged: "drain",
      patched: "pause",
      conflict: [409, "Conflict"],
      dynamic: "Node",
      events: ["ADDED py-0", "ADDED py-1", "ADDED py-2", "MODIFIED py-1", "MODIFIED py-1", "MODIFIED py-0", "DELETED py-2"],
    });
  });
});
