/** Roles, scopes and the Authorization header: everything is denied that no rule allows. */
import { describe, expect, test } from "vitest";
import {
  type Authenticator,
  allowed,
  bearerToken,
  credentialLengthMax,
  firstOf,
  isExpired,
  type Principal,
  type Role,
  rootScope,
  type Verb,
} from "../../shared/access/access.ts";

const verbs: readonly Verb[] = ["get", "list", "watch", "create", "update", "patch", "delete", "deletecollection", "administer"];
const principal = (role: Role, clusterUid: string): Principal => ({ name: "someone", role, clusterUid });

describe("allowed", () => {
  const rules: readonly { readonly role: Role; readonly may: readonly Verb[] }[] = [
    { role: "viewer", may: ["get", "list", "watch"] },
    { role: "editor", may: ["get", "list", "watch", "create", "update", "patch", "delete", "deletecollection"] },
    { role: "admin", may: verbs },
  ];
  test.each(rules)("a $role of a cluster may there: $may", ({ role, may }) => {
    expect(verbs.filter((verb) => allowed(principal(role, "uid-a"), "uid-a", verb))).toEqual(may);
  });

  test.each(rules)("a $role of a cluster may nothing in another, in the root, and in one that does not exist", ({ role }) => {
    for (const clusterUid of ["uid-b", rootScope, undefined]) {
      expect(verbs.filter((verb) => allowed(principal(role, "uid-a"), clusterUid, verb))).toEqual([]);
    }
  });

  test("an admin of the root may everything everywhere", () => {
    for (const clusterUid of ["uid-a", rootScope, undefined]) {
      expect(verbs.filter((verb) => allowed(principal("admin", rootScope), clusterUid, verb))).toEqual(verbs);
    }
  });

  test.each(["viewer", "editor"] as const)("a %s of the root has that role in the root log only", (role) => {
    expect(allowed(principal(role, rootScope), rootScope, "list")).toBe(true);
    expect(allowed(principal(role, rootScope), "uid-a", "get")).toBe(false);
    expect(allowed(principal(role, rootScope), undefined, "get")).toBe(false);
  });
});

describe("bearerToken", () => {
  test.each([
    ["Bearer abc", "abc"],
    ["bearer abc", "abc"],
    ["BEARER   a.b-c_d~e+f/g==", "a.b-c_d~e+f/g=="],
    ["Bearer abc ", "abc"],
    [undefined, undefined],
    ["", undefined],
    ["Bearer", undefined],
    ["Bearer ", undefined],
    ["Bearer a b", undefined],
    ["Bearer a,b", undefined],
    ["Basic abc", undefined],
    ["abc", undefined],
    ["xBearer abc", undefined],
  ])("%j gives %j", (header, token) => expect(bearerToken(header)).toBe(token));

  test("a header at the longest is read, one character more is not", () => {
    const header = `Bearer ${"x".repeat(credentialLengthMax - "Bearer ".length)}`;
    expect(bearerToken(header)).toHaveLength(credentialLengthMax - "Bearer ".length);
    expect(bearerToken(`${header}x`)).toBeUndefined();
  });
});

describe("firstOf", () => {
  const knows = (text: string): Authenticator => ({
    authenticate: async (authorization) =>
      authorization === text ? { name: text, role: "viewer", clusterUid: rootScope } : undefined,
  });
  const broken: Authenticator = { authenticate: () => Promise.reject(new Error("the issuer does not answer")) };

  test("the first authenticator that knows the caller answers, and those after it are not asked", async () => {
    expect((await firstOf([knows("a"), knows("b"), broken]).authenticate("b"))?.name).toBe("b");
  });
  test("nobody knows the caller: undefined", async () => {
    expect(await firstOf([knows("a"), knows("b")]).authenticate("c")).toBeUndefined();
    expect(await firstOf([]).authenticate("a")).toBeUndefined();
  });
  test("one that can't find out is a failure, not a stranger", async () => {
    await expect(firstOf([broken, knows("a")]).authenticate("a")).rejects.toThrow("does not answer");
  });
});

test("isExpired: from the millisecond that it names; never without one", () => {
  expect([999, 1000, 1001].map((now) => isExpired({ expires: 1000 }, now))).toEqual([false, true, true]);
  expect(isExpired({}, Number.MAX_SAFE_INTEGER)).toBe(false);
});
