/** Whether real Docker engines can be started here: root, Debian's docker.io, iproute2 and a static busybox to run in them. */
import { spawnSync } from "node:child_process";
import { closeSync, existsSync, openSync, readSync } from "node:fs";

/** Where Debian puts it: busybox-static, or a busybox that needs libraries and so can't stand in an image alone. */
export const busyboxFile = "/bin/busybox";

/** false: something is missing; a line has said what. @throws with CI=true when something is missing. */
export function canStartEngines(): boolean {
  const missing = missingParts();
  if (missing.length === 0) return true;
  const advice = `suites on real Docker engines need ${missing.join(", ")}`;
  if (process.env["CI"] === "true") throw new Error(advice);
  process.stderr.write(`skipped: ${advice}\n`);
  return false;
}

function missingParts(): string[] {
  const missing: string[] = [];
  if (process.getuid?.() !== 0) missing.push("root");
  if (!runs("dockerd", "--version")) missing.push("dockerd (Debian's docker.io)");
  if (!runs("ip", "-V")) missing.push("ip (iproute2)");
  if (!runs("setpriv", "--version")) missing.push("setpriv (util-linux)");
  if (!runs("openssl", "version")) missing.push("openssl");
  if (!runs("docker-registry", "--version")) missing.push("docker-registry");
  if (!existsSync(busyboxFile) || needsLibraries(busyboxFile)) missing.push("a static busybox (busybox-static)");
  return missing;
}

const runs = (command: string, argument: string): boolean => spawnSync(command, [argument]).status === 0;

/** ELF, 64 bits, little end first: a program that has a header of type PT_INTERP (3) is loaded by a loader, with libraries. */
function needsLibraries(file: string): boolean {
  const start = Buffer.alloc(4_096);
  const handle = openSync(file, "r");
  readSync(handle, start);
  closeSync(handle);
  const [place, size, count] = [Number(start.readBigUInt64LE(32)), start.readUInt16LE(54), start.readUInt16LE(56)];
  return Array.from({ length: count }, (_, index) => start.readUInt32LE(place + index * size)).includes(3);
}
