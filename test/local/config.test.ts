/** Flags, environment and defaults of the embedded host, and what each refusal says. */
import { writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { describe, expect, test } from "vitest";
import { parseCommand, secretsFolder } from "../../functions/local/config.ts";
import { ConfigError } from "../../functions/local/errors.ts";
import { newFolder } from "./folder.ts";

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
  test("secrets: a folder of one's own, else the data folder's; a fleet that is off", () => {
    const config = configOf(["--secrets", "/run/secrets", "--fleet", "off"]);
    expect([config.fleet, secretsFolder(config)]).toEqual([false, "/run/secrets"]);
    expect(secretsFolder(configOf(["--data", "/data"]))).toBe("/data/secrets");
    expect(configOf([], { WINDLASS_SECRETS: "/s", WINDLASS_FLEET: "on" })).toMatchObject({ secrets: "/s" });
    expect(refusal(["--fleet", "maybe"])).toBe('--fleet is "maybe"; it must be on or off');
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
    expect(refusal(args)).toMatch(/allowed are --port, --host, --data, .*--config and --help/);
    expect(refusal(args)).not.toContain("\n");
  });
  test("a certificate of one's own is two files, and perhaps an authority's", () => {
    expect(configOf(["--tls-cert", "c.pem", "--tls-key", "k.pem"]).tls).toEqual({
      cert: resolve("c.pem"),
      key: resolve("k.pem"),
    });
    expect(configOf(["--tls-ca", "a.pem"], { WINDLASS_TLS_CERT: "c.pem", WINDLASS_TLS_KEY: "k.pem" }).tls).toMatchObject({
      ca: resolve("a.pem"),
    });
    expect(refusal(["--tls-cert", "c.pem"])).toBe("--tls-cert and --tls-key must be given together");
    expect(refusal(["--tls-ca", "c.pem"])).toBe("--tls-cert and --tls-key must be given together");
  });
  const issuer = ["--oidc-issuer", "https://id.example.com"];
  test("OIDC: issuer, audiences and what groups may, by flags or by the environment", () => {
    const roles = ["--oidc-role", "ops=admin", "--oidc-role=a=b@c=viewer@blue"];
    expect(configOf([...issuer, "--oidc-audience", "windlass", ...roles]).oidc).toEqual({
      issuer: "https://id.example.com",
      audiences: ["windlass"],
      usernameClaim: "sub",
      usernamePrefix: "oidc:",
      groupsClaim: "groups",
      roles: [
        { group: "ops", role: "admin" },
        { group: "a=b@c", role: "viewer", cluster: "blue" },
      ],
    });
    const environment = {
      WINDLASS_OIDC_AUDIENCE: "a,b",
      WINDLASS_OIDC_ROLE: "x=viewer,y=editor",
      WINDLASS_OIDC_USERNAME_CLAIM: "email",
    };
    expect(configOf(issuer, environment).oidc).toMatchObject({ audiences: ["a", "b"], usernameClaim: "email", roles: [{}, {}] });
  });
  test.each(["ops", "ops=king", "=admin", "ops=admin@", "ops=admin@A b"])("the role %j is refused by its name", (role) => {
    expect(refusal([...issuer, "--oidc-audience=x", `--oidc-role=${role}`])).toMatch(/^--oidc-role is .* it must be group=role/);
  });
  test("an issuer is asked over https, or on this machine; all three are needed", () => {
    expect(refusal(["--oidc-issuer", "http://id.example.com"])).toContain("it must be an https URL");
    expect(configOf(["--oidc-issuer", "http://127.0.0.1:1", "--oidc-audience=x", "--oidc-role=x=admin"]).oidc).toBeDefined();
    expect(refusal(issuer)).toBe("--oidc-issuer, --oidc-audience and --oidc-role must be given together");
  });
  describe("the configuration file", () => {
    const write = async (content: string): Promise<string> => {
      const path = join(await newFolder(), "windlass.json");
      await writeFile(path, content);
      return path;
    };
    test("has the flags' names; the environment and flags win over it", async () => {
      const path = await write('{"port": 9001, "host": "::1", "data": "/from/file", "oidc-audience": "x"}');
      const given = [...issuer, "--oidc-role", "a=admin", "--config", path];
      const config = configOf([...given, "--data", "/from/flag"], { WINDLASS_PORT: "9002" });
      expect(config).toMatchObject({ port: 9002, host: "::1", data: "/from/flag", oidc: { audiences: ["x"] } });
      expect(configOf([], { WINDLASS_CONFIG: await write('{"port": "9003"}') }).port).toBe(9003);
    });
    test.each(["{", "[]", '{"prot": 1}', '{"port": true}', '{"config": "x"}'])("%j is refused, in one line", async (content) => {
      const said = refusal(["--config", await write(content)]);
      expect(said).toContain("the configuration file");
      expect(said).not.toContain("\n");
    });
    test("a wrong value in it is named as the file's; a missing one is refused", async () => {
      expect(refusal(["--config", await write('{"port": "http"}')])).toMatch(/^port in the configuration file is "http"/);
      expect(refusal(["--config", "/nowhere/windlass.json"])).toContain("can't be read");
    });
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
