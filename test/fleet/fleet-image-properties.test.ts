/** References and the Images they stand for, as properties: seeds are printed where one fails. */
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ImageLedger } from "../../shared/fleet/fleet/image-ledger.ts";
import { imageNameOf, parseReference } from "../../shared/fleet/fleet/image-reference.ts";
import { imageKind } from "../../shared/kinds/image.ts";
import { checkName } from "../../shared/kinds/names.ts";
import { openFleet } from "./fleet-world.ts";

const word = fc.stringMatching(/^[a-z0-9]{1,8}$/);
const registry = fc.constantFrom("", "localhost/", "host.io/", "127.0.0.1:5000/", "docker.io/", "Host.Example:443/");
const reference = fc
  .tuple(registry, fc.array(word, { minLength: 1, maxLength: 3 }), fc.option(fc.stringMatching(/^\w[\w.-]{0,8}$/)))
  .map(([host, words, tag]) => `${host}${words.join("/")}${tag === null ? "" : `:${tag}`}`);

describe("a reference", () => {
  it("read again says the same, names one object, and fits an Image", () => {
    fc.assert(
      fc.property(reference, (text) => {
        const once = parseReference(text);
        expect(parseReference(once.text)).toEqual(once);
        expect(checkName(imageNameOf(once))).toEqual([]);
        expect(imageKind.spec.safeParse({ reference: once.text }).success).toBe(true);
      }),
    );
  });

  it("any text is one or is refused", () => {
    const read = (text: string): unknown => {
      try {
        return parseReference(text);
      } catch (error) {
        return error;
      }
    };
    fc.assert(
      fc.property(fc.string({ unit: "binary", maxLength: 300 }), (text) => {
        const found = read(text);
        if (found instanceof Error) expect(found.name).toBe("InvalidOptionError");
        else expect(found).toHaveProperty("text");
      }),
    );
  });
});

describe("an Image", () => {
  it("has of each id the nodes that told it last, whatever order they tell and forget in", async () => {
    const id = (n: number) => `sha256:${String(n).padStart(64, "0")}`;
    const step = fc.record({ kind: fc.constantFrom("note", "forget"), node: fc.nat(4), image: fc.nat(3) });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 30 }), async (steps) => {
        const ledger = new ImageLedger((await openFleet(0)).store);
        const image = parseReference("web:1");
        const model = new Map<string, Set<string>>();
        for (const { kind, node, image: number } of steps) {
          const [nodeName, imageId] = [`n${node}`, id(number)];
          if (kind === "note") {
            await ledger.note(image, { seen: [{ nodeName, imageId }] });
            model.set(imageId, (model.get(imageId) ?? new Set()).add(nodeName));
          } else {
            await ledger.forget(image, [{ imageId, nodeNames: [nodeName] }]);
            model.get(imageId)?.delete(nodeName);
            if (model.get(imageId)?.size === 0) model.delete(imageId);
          }
        }
        const status = (await ledger.find(image))?.status;
        const there = (status?.history ?? []).map((one) => [one.imageId, [...one.nodeNames].sort()] as const);
        expect(new Map(there)).toEqual(new Map([...model].map(([key, nodes]) => [key, [...nodes].sort()])));
        if (status?.last !== undefined) expect(model.get(status.last.imageId)?.has(status.last.nodeName)).toBe(true);
        else expect(model.size).toBe(0);
      }),
      { numRuns: 50 },
    );
  });
});
