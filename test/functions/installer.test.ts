/** The installer: the first token, whatever breaks off, and what CloudFormation hears of it. */
import { describe, expect, it } from "vitest";
import { installHandler } from "../../functions/installer/custom-resource.ts";
import { ensureFirstToken } from "../../functions/installer/first-token.ts";
import { Tokens } from "../../shared/access/tokens.ts";
import { systemClock } from "../../shared/base/clock.ts";
import { newSecret, systemIds } from "../../shared/base/ids.ts";
import { silentLogger } from "../../shared/base/logger.ts";
import { openMemory } from "../../shared/log/memory/open.ts";
import { installationUid } from "../../shared/state/cluster-lives.ts";
import { faulty } from "./faulty-ports.ts";

const common = { clock: systemClock, ids: systemIds, newSecret };

function secretOf(text: string | undefined, id = "secret") {
  const secret = {
    id,
    text,
    read: async () => secret.text,
    write: async (written: string) => {
      secret.text = written;
    },
  };
  return secret;
}

describe("the first token", () => {
  it.each([undefined, "", "what the stack generated"])("is made for a secret that holds %s: admin of the root", async (text) => {
    const { cells } = openMemory();
    const secret = secretOf(text);
    await ensureFirstToken({ ...common, cells, secret });
    const tokens = new Tokens({ ...common, cells, rootUid: installationUid });
    expect(await tokens.verify(secret.text ?? "")).toMatchObject({ role: "admin", clusterUid: "root", name: "stack-admin" });
    const [cell] = await cells.list(installationUid, "token/", 10);
    expect(JSON.stringify(cell)).not.toContain(secret.text?.slice(-43));
  });

  it.each([false, true])(
    "is one, in the secret and in the cells, after a crash at any step (which was done: %s)",
    async (after) => {
      let steps = 0;
      for (let ended = false; !ended; steps += 1) {
        const { cells } = openMemory();
        const secret = secretOf("what the stack generated");
        const fault = { left: steps, after };
        const broken = ensureFirstToken({ ...common, cells: faulty(cells, fault), secret: faulty(secret, fault) });
        ended = await broken.then(
          () => true,
          () => false,
        );
        for (let times = 0; times < 2; times += 1) await ensureFirstToken({ ...common, cells, secret });
        expect(await cells.list(installationUid, "token/", 10)).toHaveLength(1);
        const tokens = new Tokens({ ...common, cells, rootUid: installationUid });
        expect(await tokens.verify(secret.text ?? "")).toMatchObject({ role: "admin" });
      }
      expect(steps).toBeGreaterThan(4);
    },
  );

  it("stays what its holders made of it: revoked, or another in the secret", async () => {
    const { cells } = openMemory();
    const secret = secretOf(undefined);
    const install = () => ensureFirstToken({ ...common, cells, secret });
    await install();
    const { text: first } = secret;
    await install();
    expect(secret.text).toBe(first);
    const tokens = new Tokens({ ...common, cells, rootUid: installationUid });
    expect(await tokens.revoke(first?.split("_")[1] ?? "")).toBe(true);
    for (const text of [first, "nothing any more"]) {
      secret.text = text;
      await install();
      expect([secret.text, await cells.list(installationUid, "token/", 10)]).toEqual([text, []]);
    }
  });

  it("stays revoked, also when only the mark that it was made is missing", async () => {
    const { cells } = openMemory();
    const secret = secretOf(undefined);
    const tokens = new Tokens({ ...common, cells, rootUid: installationUid });
    const lastPut = { left: 4, after: false };
    await expect(ensureFirstToken({ ...common, cells: faulty(cells, lastPut), secret })).rejects.toThrow();
    expect(await tokens.verify(secret.text ?? "")).toBeDefined();
    const { text } = secret;
    expect(await tokens.revoke(text?.split("_")[1] ?? "")).toBe(true);
    for (let times = 0; times < 2; times += 1) await ensureFirstToken({ ...common, cells, secret });
    expect([secret.text, await cells.list(installationUid, "token/", 10)]).toEqual([text, []]);
  });

  it("is made anew for other tables, and for another secret", async () => {
    const [secret, other] = [secretOf(undefined), secretOf(undefined, "other")];
    await ensureFirstToken({ ...common, cells: openMemory().cells, secret });
    const { text: former } = secret;
    const { cells } = openMemory();
    for (const each of [secret, other]) await ensureFirstToken({ ...common, cells, secret: each });
    expect(new Set([former, secret.text, other.text]).size).toBe(3);
    const tokens = new Tokens({ ...common, cells, rootUid: installationUid });
    for (const { text } of [secret, other]) expect(await tokens.verify(text ?? "")).toBeDefined();
  });

  it("is left to the one who began it last, where two do it at once", async () => {
    const { cells } = openMemory();
    const secret = secretOf(undefined);
    const install = () => ensureFirstToken({ ...common, cells, secret });
    const ends = await Promise.allSettled([install(), install()]);
    expect(ends.map(({ status }) => status)).toContain("fulfilled");
    expect(ends.find((end) => end.status === "rejected")?.reason).toMatchObject({
      message: expect.stringContaining("same time"),
    });
    expect(await new Tokens({ ...common, cells, rootUid: installationUid }).verify(secret.text ?? "")).toBeDefined();
  });
});

describe("CloudFormation", () => {
  const asked = (RequestType: string) => ({
    RequestType,
    ResponseURL: "https://cloudformation.test/answer?signed",
    StackId: "stack",
    RequestId: "request",
    LogicalResourceId: "Installation",
    ResourceProperties: {},
  });

  async function answerTo(event: object, install: () => Promise<void>) {
    const sent: { url: string; body: unknown }[] = [];
    const handler = installHandler({
      install,
      logger: silentLogger,
      fetch: async (url, { body }) => {
        sent.push({ url, body: JSON.parse(String(body)) });
        return new Response();
      },
    });
    await handler(event);
    return sent;
  }

  it("hears that it is done; only a creation does anything", async () => {
    let installed = 0;
    for (const type of ["Create", "Update", "Delete"]) {
      const sent = await answerTo({ ...asked(type), PhysicalResourceId: "given" }, async () => {
        installed += 1;
      });
      const body = {
        Status: "SUCCESS",
        StackId: "stack",
        RequestId: "request",
        LogicalResourceId: "Installation",
        PhysicalResourceId: "given",
      };
      expect(sent).toEqual([{ url: "https://cloudformation.test/answer?signed", body }]);
    }
    expect(installed).toBe(1);
  });

  it("hears why it is not", async () => {
    const [sent] = await answerTo(asked("Create"), () => Promise.reject(new Error("no table ".repeat(1_000))));
    expect(sent?.body).toMatchObject({
      Status: "FAILED",
      Reason: expect.stringMatching(/^no table/),
      PhysicalResourceId: "windlass-installation",
    });
    expect(JSON.stringify(sent?.body).length).toBeLessThan(4_096);
  });

  it("is not believed when it says something else", async () => {
    await expect(answerTo({ ...asked("Create"), RequestType: "Destroy" }, async () => undefined)).rejects.toThrow();
  });

  it("who asks without an address for the answer gets it at once", async () => {
    let installed = 0;
    const install = async () => {
      installed += 1;
    };
    expect(await answerTo({}, install)).toEqual([]);
    expect(installed).toBe(1);
    await expect(answerTo({}, () => Promise.reject(new Error("no table")))).rejects.toThrow("no table");
  });
});
