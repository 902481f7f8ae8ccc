/** A folder of a test's own, which is gone when the test is over. */
import { mkdtemp, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";

export async function newFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "windlass-test-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

/** The permission bits, as `ls` groups them: "600". */
export const modeOf = async (path: string): Promise<string> => ((await stat(path)).mode & 0o777).toString(8);
