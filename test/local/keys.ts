/** A certificate for a listener of a test's, in a folder that is gone afterwards. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { type Certificates, ensureCertificates } from "../../functions/local/certificates.ts";

export async function makeKeys(): Promise<Certificates> {
  const folder = await mkdtemp(path.join(tmpdir(), "windlass-test-"));
  try {
    return await ensureCertificates({ folder, hosts: [], now: Date.now() });
  } finally {
    await rm(folder, { recursive: true });
  }
}
