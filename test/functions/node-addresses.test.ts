/** Which addresses of nodes a deployment speaks to: what a client may name must not lead to the function's own surroundings. */
import { promisify } from "node:util";
import { describe, expect, it } from "vitest";
import { openNodeEngine } from "../../functions/aws/engines.ts";
import { AddressRefusedError, NodeAddresses } from "../../functions/aws/node-addresses.ts";
import { systemClock } from "../../shared/base/clock.ts";

const own = [
  "tcp://127.0.0.1:2375",
  "tcp://127.9.9.9:2375",
  "http://169.254.169.254",
  "http://169.254.170.2/v2/credentials",
  "tcp://0.0.0.0:2375",
  "tcp://[::1]:2375",
  "tcp://[::ffff:127.0.0.1]:2375",
  "tcp://[::ffff:169.254.169.254]:80",
  "tcp://[fe80::1]:2375",
  "tcp://[fd00:ec2::254]:80",
  // As URLs write IPv4 in other forms.
  "http://2130706433/",
  "http://0x7f.1/",
  "unix:///var/run/docker.sock",
];

describe("addresses", () => {
  const addresses = new NodeAddresses([]);
  it.each(own)("%s is refused", (address) => {
    expect(() => addresses.check(address)).toThrow(AddressRefusedError);
  });

  it.each([
    "tcp://10.1.2.3:2375",
    "tcp://192.168.0.1:2376",
    "https://203.0.113.9",
    "tcp://[fd12::1]:2376",
    "tcp://node-a.internal:2376",
  ])("%s is spoken to", (address) => expect(addresses.check(address)).toBeUndefined());

  it("those that are allowed by name are spoken to, and only those", () => {
    const some = new NodeAddresses(["127.0.0.0/8"]);
    expect(some.check("tcp://127.0.0.1:2375")).toBeUndefined();
    expect(() => some.check("http://169.254.169.254")).toThrow(AddressRefusedError);
    expect(() => new NodeAddresses(["everything"])).toThrow("is not a CIDR");
  });

  it("a name counts as what it means when it is connected to", async () => {
    const lookup = promisify(addresses.lookup);
    await expect(lookup("localhost", {})).rejects.toThrow(/localhost \(.*\) is not spoken to from here/);
    await expect(lookup("localhost", { all: true })).rejects.toThrow(AddressRefusedError);
    expect(await promisify(new NodeAddresses(["127.0.0.0/8", "::1/128"]).lookup)("localhost", {})).toMatch(/^(127\.|::1)/);
  });
});

describe("engines", () => {
  const open = (cidrs: readonly string[]) => openNodeEngine({ WINDLASS_NODE_CIDRS: cidrs });

  it("are not opened at an address of the function's own, nor connected to under a name that means one", async () => {
    await expect(open([])({ address: "tcp://127.0.0.1:1", clock: systemClock })).rejects.toThrow(AddressRefusedError);
    const named = await open([])({ address: "tcp://localhost:1", clock: systemClock });
    await expect(named.system.ping({ timeoutMs: 2_000 })).rejects.toThrow("is not spoken to from here");
  });

  it("are, where the subnet is allowed", async () => {
    const engine = await open(["127.0.0.0/8", "::1/128"])({ address: "tcp://localhost:1", clock: systemClock });
    await expect(engine.system.ping({ timeoutMs: 2_000 })).rejects.toThrow("ECONNREFUSED");
  });
});
