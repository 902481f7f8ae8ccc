/**
 * OIDC: who a JWT stands for, and for nobody, against an issuer on this machine whose keys and answers the test changes.
 */
import { once } from "node:events";
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { type CryptoKey, exportJWK, generateKeyPair, type JWTPayload, SignJWT } from "jose";
import { describe, expect, onTestFinished, test } from "vitest";
import { allowed, firstOf, rootScope } from "../../shared/access/access.ts";
import { cacheMs, OidcAuthenticator, type OidcConfig, skewSeconds } from "../../shared/access/oidc.ts";
import { IssuerError, issuerKeys, isTrusted } from "../../shared/access/oidc-keys.ts";
import { systemClock } from "../../shared/base/clock.ts";
import { group } from "../cases/client.ts";
import { ManualClock } from "../local/manual-clock.ts";
import { startServer } from "./server.ts";

type Key = { readonly kid: string; readonly privateKey: CryptoKey; readonly jwk: object };

async function newKey(kid: string, algorithm = "ES256"): Promise<Key> {
  const { privateKey, publicKey } = await generateKeyPair(algorithm, { extractable: true });
  return { kid, privateKey, jwk: { ...(await exportJWK(publicKey)), kid, alg: algorithm, use: "sig" } };
}

const answers = {
  json: (response: ServerResponse, value: object) =>
    response.setHeader("content-type", "application/json").end(JSON.stringify(value)),
};

/** An issuer on a free port; `state` is what it says now. */
async function startIssuer() {
  const state = { keys: [] as Key[], asked: 0, breaks: "" as "" | "discovery" | "keys" | "issuer" | "large" | "redirect" };
  const server = createServer((request, response) => {
    state.asked += 1;
    if (request.url === "/jwks") {
      if (state.breaks === "keys") return response.writeHead(500).end();
      if (state.breaks === "large") return response.end("x".repeat(2 * 1024 * 1024));
      return answers.json(response, { keys: state.keys.map(({ jwk }) => jwk) });
    }
    if (state.breaks === "discovery") return response.writeHead(503).end();
    if (state.breaks === "redirect") return response.writeHead(302, { location: `${issuer}/elsewhere` }).end();
    const said = state.breaks === "issuer" ? "https://other.example.com" : issuer;
    return answers.json(response, { issuer: said, jwks_uri: `${issuer}/jwks` });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return { issuer, state };
}

const roles = [
  { group: "ops", role: "admin" },
  { group: "dev", role: "editor", cluster: "a" },
  { group: "dev", role: "viewer", cluster: "b" },
  { group: "gone", role: "admin", cluster: "nobody" },
] as const;

async function world(more: Partial<OidcConfig> = {}) {
  const { issuer, state } = await startIssuer();
  const key = await newKey("one");
  state.keys.push(key);
  const clock = new ManualClock(systemClock.now());
  const config = {
    issuer,
    audiences: ["windlass", "other"],
    usernameClaim: "sub",
    usernamePrefix: "oidc:",
    groupsClaim: "groups",
    roles,
    ...more,
  };
  const keys = issuerKeys(issuer, { clock, fetch: (url, init) => fetch(url, init) });
  const uids = new Map([
    ["a", "uid-a"],
    ["b", "uid-b"],
  ]);
  const authenticator = new OidcAuthenticator({ config, clock, keys, uidOf: async (name) => uids.get(name) });
  const now = (): number => Math.floor(clock.now() / 1_000);
  const sign = (claims: JWTPayload = {}, by: Key = key, algorithm = "ES256"): Promise<string> =>
    new SignJWT({ iss: issuer, aud: "windlass", sub: "ann", groups: ["dev"], exp: now() + 600, ...claims })
      .setProtectedHeader({ alg: algorithm, kid: by.kid })
      .sign(by.privateKey);
  const whose = (token: string) => authenticator.authenticate(`Bearer ${token}`);
  return { issuer, state, clock, key, sign, whose, now, uids, authenticator };
}

describe("a good token", () => {
  test("stands for its user, with what its groups may and until it ends", async () => {
    const { sign, whose, now } = await world();
    const principal = await whose(await sign());
    expect(principal).toEqual({
      name: "oidc:ann",
      role: "editor",
      clusterUid: "uid-a",
      more: [{ role: "viewer", clusterUid: "uid-b" }],
      expires: (now() + 600 + skewSeconds) * 1_000,
    });
    if (principal === undefined) throw new Error("expected someone");
    expect(allowed(principal, "uid-a", "create")).toBe(true);
    expect(allowed(principal, "uid-b", "get")).toBe(true);
    expect(allowed(principal, "uid-b", "create")).toBe(false);
    expect(allowed(principal, rootScope, "get")).toBe(false);
  });

  test("audiences may be several, the groups claim one text, and the root's admin is admin everywhere", async () => {
    const { sign, whose } = await world();
    const principal = await whose(await sign({ aud: ["x", "other"], groups: "ops" }));
    expect(principal).toMatchObject({ role: "admin", clusterUid: rootScope });
  });

  test.each([
    ["RS256", undefined],
    ["EdDSA", undefined],
  ])("may be signed by %s", async (algorithm) => {
    const { state, sign, whose } = await world();
    const key = await newKey("other", algorithm);
    state.keys.push(key);
    expect(await whose(await sign({}, key, algorithm))).toBeDefined();
  });

  test("is checked once in a minute; a change of clusters counts after it", async () => {
    const { state, sign, whose, clock, uids } = await world();
    const token = await sign({ groups: ["dev"], exp: Math.floor(clock.now() / 1_000) + 3_600 });
    expect(await whose(token)).toMatchObject({ clusterUid: "uid-a" });
    const { asked } = state;
    uids.set("a", "uid-a2");
    expect(await whose(token)).toMatchObject({ clusterUid: "uid-a" });
    clock.advance(cacheMs);
    expect(await whose(token)).toMatchObject({ clusterUid: "uid-a2" });
    expect(state.asked).toBe(asked);
  });

  test("is nobody's from its end, and a skew of clocks, on; cached or not", async () => {
    const { sign, whose, clock, now } = await world();
    const token = await sign({ exp: now() + 10 });
    expect(await whose(token)).toBeDefined();
    clock.advance((10 + skewSeconds) * 1_000 - 1_000);
    expect(await whose(token)).toBeDefined();
    clock.advance(1_000);
    expect(await whose(token)).toBeUndefined();
  });
});

describe("nobody's token", () => {
  test.each<[string, JWTPayload]>([
    ["another audience", { aud: "another" }],
    ["another issuer", { iss: "https://other.example.com" }],
    ["an end long ago", { exp: 1 }],
    ["a beginning to come", { nbf: 4_000_000_000 }],
    ["no name", { sub: "" }],
    ["a name with a line break", { sub: "a\nb" }],
    ["a name that is no text", { sub: 1 as unknown as string }],
    ["no group that may anything", { groups: ["guests"] }],
    ["groups of another form", { groups: { dev: true } }],
    ["a group of a cluster that is not there", { groups: ["gone"] }],
  ])("%s", async (_what, claims) => {
    const { sign, whose } = await world();
    expect(await whose(await sign(claims))).toBeUndefined();
  });

  test("one without an end, unsigned, with a shared secret, by a stranger's key, cut or changed", async () => {
    const { sign, whose, issuer, key, now } = await world();
    const claims = { iss: issuer, aud: "windlass", sub: "ann", groups: ["ops"] };
    const encoded = (value: object): string => Buffer.from(JSON.stringify(value)).toString("base64url");
    const good = await sign();
    const [head = "", , signature = ""] = good.split(".");
    const secret = new TextEncoder().encode(JSON.stringify(key.jwk));
    const tokens = [
      await new SignJWT(claims).setProtectedHeader({ alg: "ES256", kid: "one" }).sign(key.privateKey),
      `${encoded({ alg: "none" })}.${encoded({ ...claims, exp: now() + 60 })}.`,
      await new SignJWT({ ...claims, exp: now() + 60 }).setProtectedHeader({ alg: "HS256", kid: "one" }).sign(secret),
      await sign({}, await newKey("one")),
      good.slice(0, -2),
      `${head}.${encoded({ ...claims, exp: now() + 60 })}.${signature}`,
    ];
    for (const token of tokens) expect(await whose(token)).toBeUndefined();
  });

  test("an email that was not verified is no name", async () => {
    const { sign, whose } = await world({ usernameClaim: "email" });
    expect(await whose(await sign({ email: "ann@example.com", email_verified: false }))).toBeUndefined();
    expect(await whose(await sign({ email: "ann@example.com", email_verified: true }))).toMatchObject({
      name: "oidc:ann@example.com",
    });
    expect(await whose(await sign())).toBeUndefined();
  });

  test("static tokens, others' JWTs and nonsense are not the issuer's business", async () => {
    const { state, sign, whose } = await world();
    for (const token of ["wl_x_y", "a.b.c", await sign({ iss: "https://other.example.com" })])
      expect(await whose(token)).toBeUndefined();
    expect(state.asked).toBe(0);
  });
});

describe("the issuer", () => {
  test("a new key is found when a token brings it, and a flood of unknown ones asks only once", async () => {
    const { state, sign, whose } = await world();
    expect(await whose(await sign())).toBeDefined();
    const { asked } = state;
    for (let count = 0; count < 20; count += 1)
      expect(await whose(await sign({}, await newKey(`unknown-${count}`)))).toBeUndefined();
    expect(state.asked).toBe(asked);
  });

  test.each(["discovery", "keys", "issuer", "large", "redirect"] as const)(
    "one that is broken (%s) is no answer, not a stranger",
    async (breaks) => {
      const { state, sign, whose, clock } = await world();
      state.breaks = breaks;
      await expect(whose(await sign())).rejects.toBeInstanceOf(Error);
      if (breaks === "discovery") await expect(whose(await sign())).rejects.toBeInstanceOf(IssuerError);
      state.breaks = "";
      clock.advance(2_000);
      expect(await whose(await sign())).toBeDefined();
    },
  );

  test("is asked over TLS, or on this machine", () => {
    const urls = [
      "https://a.example.com",
      "http://127.0.0.1:1",
      "http://localhost",
      "http://a.example.com",
      "ftp://a",
      "nonsense",
    ];
    expect(urls.map(isTrusted)).toEqual([true, true, true, false, false, false]);
  });
});

test("a JWT opens the interface; its name is the actor, a broken issuer a 503, and its watch ends with it", async () => {
  const { sign, state, authenticator, clock, uids } = await world();
  const server = await startServer({ authenticator: firstOf([authenticator]) });
  onTestFinished(() => server.close());
  const store = await server.clusters.resolve("default");
  uids.set("a", store?.uid ?? "");
  const ask = async (path: string, token: string) =>
    server.target.fetch(server.target.baseUrl + path, { headers: { authorization: `Bearer ${token}` } });
  expect((await ask(`${group}/nodes`, await sign())).status).toBe(200);
  expect((await ask(`${group}/clusters`, await sign())).status).toBe(403);
  expect((await ask(`${group}/nodes`, await sign({ aud: "x" }))).status).toBe(401);
  const end = Math.floor(clock.now() / 1_000) - skewSeconds + 2;
  const watch = await ask(`${group}/nodes?watch=true`, await sign({ exp: end }));
  expect(watch.status).toBe(200);
  await watch.text();
  expect(systemClock.now()).toBeGreaterThanOrEqual((end + skewSeconds) * 1_000);
  state.breaks = "discovery";
  clock.advance(3_600_000);
  expect((await ask(`${group}/nodes`, await sign())).status).toBe(503);
});
