/**
 * Which addresses of nodes a deployment speaks to. What a Node names is a client's word: it must not lead to the function itself, to the
 * metadata services of its surroundings, or to whatever else is there only for it. Private networks are where Docker hosts are.
 */
import { type LookupAddress, lookup } from "node:dns";
import { BlockList, isIP, type LookupFunction } from "node:net";

/** RFC 6890: this host, loopback, link-local (metadata of instances and tasks); AWS: the metadata of instances over IPv6. */
const refused = ["0.0.0.0/8", "127.0.0.0/8", "169.254.0.0/16", "::/128", "::1/128", "fe80::/10", "fd00:ec2::/32"];

export class AddressRefusedError extends Error {
  override readonly name = "AddressRefusedError";
  constructor(address: string) {
    super(`${address} is not spoken to from here: it is a loopback, link-local or metadata address; nodeCidrs can allow it`);
  }
}

export class NodeAddresses {
  readonly #refused = listOf(refused);
  readonly #allowed: BlockList;

  /** `allowed`: subnets that are spoken to all the same. @throws Error when one is none. */
  constructor(allowed: readonly string[]) {
    this.#allowed = listOf(allowed);
  }

  /** Of a Node's spec; a name is checked when it is looked up. @throws AddressRefusedError */
  check(address: string): void {
    const { protocol, hostname } = new URL(address);
    if (protocol === "unix:") throw new AddressRefusedError(address);
    const host = hostname.replace(/^\[(.*)\]$/, "$1");
    if (isIP(host) !== 0 && this.#isRefused(host)) throw new AddressRefusedError(host);
  }

  /** For connections: what a name means when it is connected to is what counts. */
  readonly lookup: LookupFunction = (name, options, done) => {
    lookup(name, { ...options, all: true }, (error, found: LookupAddress[]) => {
      if (error) return done(error, "", 0);
      const wrong = found.find(({ address }) => this.#isRefused(address));
      if (wrong !== undefined) return done(new AddressRefusedError(`${name} (${wrong.address})`), "", 0);
      if (options.all === true) return done(null, found);
      const [first] = found;
      return done(null, first?.address ?? "", first?.family ?? 0);
    });
  };

  #isRefused(address: string): boolean {
    // BlockList takes ::ffff:127.0.0.1 for what it is.
    const type = isIP(address) === 6 ? "ipv6" : "ipv4";
    return this.#refused.check(address, type) && !this.#allowed.check(address, type);
  }
}

function listOf(cidrs: readonly string[]): BlockList {
  const list = new BlockList();
  for (const cidr of cidrs) {
    const [network = "", prefix = ""] = cidr.split("/");
    const family = isIP(network);
    if (family === 0 || !/^\d{1,3}$/.test(prefix)) throw new Error(`${JSON.stringify(cidr)} is not a CIDR such as 10.0.0.0/8`);
    list.addSubnet(network, Number(prefix), family === 6 ? "ipv6" : "ipv4");
  }
  return list;
}
