/** The installer: the first token, whatever breaks off, and what CloudFormation hears of it. */
import { describe, expect, it } from "vitest";
import { installHandler } from "../../functions/installer/custom-resource.ts";
import { ensureFirstToken } from "../../functions/installer/first-token.ts";
import { Tokens } from "../../shared/api/access/tokens.ts";
import { systemClock } from "../../shared/base/clock.ts";
import { newSecret, systemIds } from "../../shared/base/ids.ts";
import { silentLogger } from "../../shared/base/logger.ts";
import { openMemory } from "../../shared/log/memory/open.ts";
import { installationUid } from "../../shared/state/cluster-lives.ts";

const common = { clock: systemClock, ids: systemIds, newSecret };

function secretOf(text: string | undefined) {
  const secret = {
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
    expect(JSON.stringify(cell)).not.toContain(secret.text?.split("_").at(-1));
  });

  it("stays the same when it is asked for again, also after a crash between secret and hash", async () => {
    const { cells } = openMemory();
    const secret = secretOf(undefined);
    const failing = {
      ...cells,
      put: () => Promise.reject(new Error("crash")),
      get: () => cells.get(installationUid, "none"),
      list: async () => [],
    };
    await expect(ensureFirstToken({ ...common, cells: failing as never, secret })).rejects.toThrow("crash");
    const kept = secret.text;
    for (let times = 0; times < 2; times += 1) await ensureFirstToken({ ...common, cells, secret });
    expect(secret.text).toBe(kept);
    expect(await cells.list(installationUid, "token/", 10)).toHaveLength(1);
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
