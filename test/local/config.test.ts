/** Flags, environment and defaults of the embedded host, and what each refusal says. */
import { resolve } from "node:path";
import { describe, expect, test } from "vitest";
import { parseCommand } from "../../functions/local/config.ts";
import { ConfigError } from "../../functions/local/errors.ts";

type Environment = Readonly<Record<string, string>>;

function configOf(args: readonly string[], environment: Environment = {}) {
  const command = parseCommand(args, environment);
  if (command.kind !== "start") throw new Error("expected a configuration");
  return command.config;
}

function refusal(args: readonly string[], environment: Environment = {}): string {
  try {
    parseCommand(args, environment);
  } catch (error) {
    if (error instanceof ConfigError) return error.message;
    throw error;
  }
  throw new Error(`${args.join(" ")} was taken`);
}

describe("parseCommand", () => {
  test("nothing given: the loopback address, port 8350, .windlass in the working directory", () => {
    expect(configOf([])).toEqual({ port: 8350, host: "127.0.0.1", data: resolve(".windlass") });
  });
  test("the environment is taken; an empty variable counts as not set", () => {
    const environment = { WINDLASS_PORT: "9000", WINDLASS_HOST: "", WINDLASS_DATA: "/var/lib/windlass" };
    expect(configOf([], environment)).toEqual({ port: 9000, host: "127.0.0.1", data: "/var/lib/windlass" });
  });
  test("a flag wins over the environment, even over a wrong value there", () => {
    const environment = { WINDLASS_PORT: "no", WINDLASS_HOST: "10.0.0.1" };
    expect(configOf(["--port", "0", "--host=::", "--data", "x"], environment)).toEqual({
      port: 0,
      host: "::",
      data: resolve("x"),
    });
  });
  test.each(["0", "1", "65535"])("port %s is allowed", (port) => expect(configOf(["--port", port]).port).toBe(Number(port)));
  test.each(["65536", "-1", "1.5", "8350x", "", " ", "0x10", "1e3"])(
    "port %j is refused by its name, with what is allowed",
    (port) => {
      expect(refusal([`--port=${port}`])).toBe(`--port is ${JSON.stringify(port)}; it must be a whole number from 0 to 65535`);
    },
  );
  test.each(["localhost", "a.example.com", "0.0.0.0", "::1", "fe80::1", "x1"])("host %s is allowed", (host) => {
    expect(configOf(["--host", host]).host).toBe(host);
  });
  test.each(["[::1]", "1.2.3", "256.1.1.1", "a..b", "-a", "a b", "http://x", "a:80", "fe80::1%eth0", `${"a".repeat(64)}.b`])(
    "host %j is refused",
    (host) => expect(refusal([`--host=${host}`])).toContain("it must be a host name, or an IPv4 or IPv6 address"),
  );
  test("a wrong variable is named as the variable", () => {
    expect(refusal([], { WINDLASS_PORT: "http" })).toBe('WINDLASS_PORT is "http"; it must be a whole number from 0 to 65535');
  });
  test("several wrong values are all named", () => {
    expect(refusal(["--host=%", "--data="], { WINDLASS_PORT: "x" })).toMatch(/WINDLASS_PORT is .*--host is .*--data is /);
  });
  test.each([
    [["--prot", "1"], "--prot"],
    [["serve"], "serve"],
    [["--port"], "--port"],
    [["--help=1"], "--help"],
  ] as const)("%j is refused, with the flags that there are", (args, named) => {
    expect(refusal(args)).toContain(named);
    expect(refusal(args)).toContain("allowed are --port, --host, --data and --help");
    expect(refusal(args)).not.toContain("\n");
  });
  test.each(["--help", "-h"])("%s gives a text with every flag, variable and default", (flag) => {
    const command = parseCommand([flag], { WINDLASS_PORT: "wrong" });
    if (command.kind !== "help") throw new Error("expected the help");
    for (const part of [
      "--port",
      "--host",
      "--data",
      "WINDLASS_PORT",
      "WINDLASS_HOST",
      "WINDLASS_DATA",
      "8350",
      "127.0.0.1",
      ".windlass",
    ]) {
      expect(command.text).toContain(part);
    }
  });
});
