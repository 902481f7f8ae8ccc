/**
 * Static tokens from their making to their end, with a clock that the test moves and cells that count how often they are asked.
 */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type Principal, rootScope } from "../../shared/access/access.ts";
import { DamagedTokenError, TokenRefusedError } from "../../shared/access/errors.ts";
import { cachedTokensMax, cacheMs, type NewToken, Tokens, tokenAuthenticator, tokensMax } from "../../shared/access/tokens.ts";
import { newSecret, systemIds } from "../../shared/base/ids.ts";
import { openMemory } from "../../shared/log/memory/open.ts";
import type { Cells } from "../../shared/log/ports.ts";
import { ManualClock } from "../local/manual-clock.ts";

const rootUid = "root-uid";
const editor: NewToken = { name: "ci@example.com", role: "editor", clusterUid: "uid-a" };

/** Two processes, `tokens` and `other`, on the same cells; `reads` counts both. */
function world() {
  const { cells } = openMemory();
  const clock = new ManualClock();
  const count = { reads: 0 };
  const counting: Cells = {
    get: (uid, key) => {
      count.reads++;
      return cells.get(uid, key);
    },
    put: (uid, put) => cells.put(uid, put),
    delete: (uid, key, version) => cells.delete(uid, key, version),
    list: (uid, prefix, limit) => cells.list(uid, prefix, limit),
  };
  const options = { cells: counting, rootUid, clock, ids: systemIds, newSecret };
  return { cells, clock, count, options, tokens: new Tokens(options), other: new Tokens(options) };
}

describe("create", () => {
  test("the holder's text is verified as who it was made for, in every process", async () => {
    const { tokens, other, clock } = world();
    const { token, text } = await tokens.create(editor);
    expect(token).toEqual({ ...editor, id: token.id, created: clock.now() });
    expect(text).toMatch(/^wl_[0-9a-f-]{36}_[A-Za-z0-9_-]{43}$/);
    expect(await tokens.verify(text)).toEqual(token);
    expect(await other.verify(text)).toEqual(token);
  });

  test("the secret is nowhere in the store: its hash stands under the root's uid", async () => {
    const { tokens, cells } = world();
    const { token, text } = await tokens.create(editor);
    const cell = await cells.get(rootUid, `token/${token.id}`);
    expect(cell?.value["hash"]).toMatch(/^[0-9a-f]{64}$/);
    expect(JSON.stringify(cell)).not.toContain(text.slice(-43));
  });

  test("the cell expires with the token", async () => {
    const { tokens, cells, clock } = world();
    const expires = clock.now() + 1;
    const { token } = await tokens.create({ ...editor, expires });
    expect((await cells.get(rootUid, `token/${token.id}`))?.expires).toBe(expires);
  });

  test.each([
    ["name", { name: "" }],
    ["name", { name: "a b" }],
    ["name", { name: "a\nb" }],
    ["name", { name: "x".repeat(129) }],
    ["role", { role: "owner" as "admin" }],
    ["expires", { expires: 0 }],
    ["expires", { expires: Number.NaN }],
    ["expires", { expires: Date.UTC(2030, 0, 1) }],
  ])("a wrong %s is refused by its name and nothing is made: %j", async (field, wrong) => {
    const { tokens } = world();
    const refusal = tokens.create({ ...editor, ...wrong });
    await expect(refusal).rejects.toBeInstanceOf(TokenRefusedError);
    await expect(refusal).rejects.toMatchObject({ field });
    expect(await tokens.list()).toEqual([]);
  });

  test("a name of 128 characters is taken", async () => {
    const { tokens } = world();
    expect((await tokens.create({ ...editor, name: "x".repeat(128) })).token.name).toHaveLength(128);
  });

  test(`${tokensMax} tokens, and one more only when expired ones make room`, async () => {
    const { tokens, clock } = world();
    await tokens.create({ ...editor, expires: clock.now() + 1 });
    for (let made = 1; made < tokensMax; made++) await tokens.create(editor);
    await expect(tokens.create(editor)).rejects.toMatchObject({ field: "tokens" });
    clock.advance(1);
    await tokens.create(editor);
    expect(await tokens.list()).toHaveLength(tokensMax);
    await expect(tokens.create(editor)).rejects.toMatchObject({ field: "tokens" });
  });
});

describe("verify", () => {
  test("unknown ids, other secrets and other forms are all the same stranger", async () => {
    const { tokens } = world();
    const { text } = await tokens.create(editor);
    const { text: another } = await tokens.create(editor);
    const mixed = text.slice(0, -43) + another.slice(-43);
    const unknown = `wl_${systemIds.uuid()}_${text.slice(-43)}`;
    for (const wrong of [
      mixed,
      unknown,
      "",
      "wl_",
      text.slice(1),
      `${text}x`,
      text.slice(0, -1),
      ` ${text}`,
      text.toUpperCase(),
    ]) {
      expect(await tokens.verify(wrong)).toBeUndefined();
    }
  });

  test("one changed character of the token makes it a stranger's", async () => {
    const { tokens } = world();
    const { text } = await tokens.create(editor);
    await fc.assert(
      fc.asyncProperty(fc.nat(text.length - 1), fc.constantFrom(..."abcXYZ019-_~"), async (place, character) => {
        const changed = text.slice(0, place) + character + text.slice(place + 1);
        expect((await tokens.verify(changed)) !== undefined).toBe(changed === text);
      }),
      { numRuns: 300 },
    );
  });

  test("malformed tokens, and wrong secrets of a known token, cost no read", async () => {
    const { tokens, count } = world();
    const { text } = await tokens.create(editor);
    await tokens.verify(text);
    expect(count.reads).toBe(1);
    await tokens.verify(`${text.slice(0, -43)}${newSecret()}`);
    await tokens.verify("nonsense");
    expect(count.reads).toBe(1);
  });

  test("a token is good until the millisecond in which it expires, cached or not", async () => {
    const { tokens, other, clock } = world();
    const { text } = await tokens.create({ ...editor, expires: clock.now() + 1000 });
    clock.advance(999);
    expect(await tokens.verify(text)).toBeDefined();
    clock.advance(1);
    expect(await tokens.verify(text)).toBeUndefined();
    expect(await other.verify(text)).toBeUndefined();
  });

  test("many who ask at once cost one read, and none for the next minute", async () => {
    const { tokens, count, clock } = world();
    const { text, token } = await tokens.create(editor);
    expect(await Promise.all(Array.from({ length: 100 }, () => tokens.verify(text)))).toEqual(Array(100).fill(token));
    clock.advance(cacheMs - 1);
    await tokens.verify(text);
    expect(count.reads).toBe(1);
    clock.advance(1);
    await tokens.verify(text);
    expect(count.reads).toBe(2);
  });

  test("a stranger is not remembered: a token that is made later under that id is good at once", async () => {
    const { options, count } = world();
    const id = systemIds.uuid();
    const tokens = new Tokens({ ...options, ids: { uuid: () => id }, newSecret: () => "s".repeat(43) });
    const text = `wl_${id}_${"s".repeat(43)}`;
    expect(await tokens.verify(text)).toBeUndefined();
    expect(count.reads).toBe(1);
    await tokens.create(editor);
    expect(await tokens.verify(text)).toBeDefined();
  });

  test(`the cache holds ${cachedTokensMax}; the one used longest ago goes, and strangers push nobody out`, async () => {
    const { options, count, clock } = world();
    // More than can be made at once: two roots' worth of tokens under one.
    const kept = { id: "00000000-0000-4000-8000-000000000000", texts: [] as string[] };
    let made = 0;
    const ids = { uuid: () => kept.id.slice(0, -4) + String(made++).padStart(4, "0") };
    const tokens = new Tokens({ ...options, ids, cells: { ...options.cells, list: async () => [] } });
    for (let place = 0; place <= cachedTokensMax; place++) kept.texts.push((await tokens.create(editor)).text);
    const [first = "", second = ""] = kept.texts;
    const last = kept.texts[cachedTokensMax] ?? "";
    for (const text of kept.texts.slice(0, cachedTokensMax)) await tokens.verify(text);
    await tokens.verify(first);
    for (let strangers = 0; strangers < 50; strangers++) await tokens.verify(`wl_${systemIds.uuid()}_${newSecret()}`);
    const before = count.reads;
    await tokens.verify(last);
    await tokens.verify(first);
    expect(count.reads - before).toBe(1);
    await tokens.verify(second);
    expect(count.reads - before).toBe(2);
    expect(clock.now()).toBe(options.clock.now());
  });

  test("a store that does not answer is a failure, not a stranger, and the next call asks again", async () => {
    const { options, tokens } = world();
    const { text } = await tokens.create(editor);
    let down = true;
    const cells: Cells = {
      ...options.cells,
      get: (uid, key) => (down ? Promise.reject(new Error("down")) : options.cells.get(uid, key)),
    };
    const shaky = new Tokens({ ...options, cells });
    await expect(shaky.verify(text)).rejects.toThrow("down");
    down = false;
    expect(await shaky.verify(text)).toBeDefined();
  });

  test("a cell that holds something else is a typed failure", async () => {
    const { options, cells } = world();
    const id = systemIds.uuid();
    await cells.put(rootUid, { key: `token/${id}`, value: { name: "x" }, when: "absent" });
    await expect(new Tokens(options).verify(`wl_${id}_${newSecret()}`)).rejects.toBeInstanceOf(DamagedTokenError);
  });
});

describe("revoke", () => {
  test("the process that revokes refuses at once, another within a minute", async () => {
    const { tokens, other, clock } = world();
    const { token, text } = await tokens.create(editor);
    await Promise.all([tokens.verify(text), other.verify(text)]);
    expect(await tokens.revoke(token.id)).toBe(true);
    expect(await tokens.verify(text)).toBeUndefined();
    clock.advance(cacheMs - 1);
    expect(await other.verify(text)).toBeDefined();
    clock.advance(1);
    expect(await other.verify(text)).toBeUndefined();
  });

  test("a use every second does not prolong the minute", async () => {
    const { tokens, other, clock } = world();
    const { token, text } = await tokens.create(editor);
    await other.verify(text);
    await tokens.revoke(token.id);
    for (let second = 0; second < 60; second++) {
      expect(await other.verify(text)).toBeDefined();
      clock.advance(1000);
    }
    expect(await other.verify(text)).toBeUndefined();
  });

  test("a read that began before the revocation is not kept", async () => {
    const { options, tokens } = world();
    const { token, text } = await tokens.create(editor);
    const gate = Promise.withResolvers<void>();
    let slow = true;
    const cells: Cells = {
      ...options.cells,
      get: async (uid, key) => {
        const cell = await options.cells.get(uid, key);
        if (slow) await gate.promise;
        return cell;
      },
    };
    const process = new Tokens({ ...options, cells });
    const early = process.verify(text);
    slow = false;
    await process.revoke(token.id);
    gate.resolve();
    expect(await early).toBeDefined();
    expect(await process.verify(text)).toBeUndefined();
  });

  test("of what is not there: false; the others stay", async () => {
    const { tokens } = world();
    const { token } = await tokens.create(editor);
    const { token: other } = await tokens.create(editor);
    expect(await tokens.revoke(systemIds.uuid())).toBe(false);
    expect(await tokens.revoke(token.id)).toBe(true);
    expect(await tokens.revoke(token.id)).toBe(false);
    expect((await tokens.list()).map(({ id }) => id)).toEqual([other.id]);
  });
});

test("list: tokens in the order of their ids, without secrets or hashes", async () => {
  const { tokens } = world();
  const made = [await tokens.create(editor), await tokens.create({ name: "root", role: "admin", clusterUid: rootScope })];
  const wanted = made.map(({ token }) => token).sort((one, other) => (one.id < other.id ? -1 : 1));
  expect(await tokens.list()).toEqual(wanted);
});

test("tokenAuthenticator: from the header to the principal; undefined for all else", async () => {
  const { tokens } = world();
  const { text } = await tokens.create(editor);
  const authenticator = tokenAuthenticator(tokens);
  expect(await authenticator.authenticate(`Bearer ${text}`)).toMatchObject(editor satisfies Principal);
  for (const header of [undefined, "", text, `Basic ${text}`, `Bearer ${text}x`])
    expect(await authenticator.authenticate(header)).toBeUndefined();
});
