/** The filters `publish` and `expose` of `docker ps`: a port or a range of them, with a protocol, tcp where there is none. */
import type { Container } from "../../kinds/container.ts";
import { badParameter } from "../errors.ts";

type Ports = NonNullable<NonNullable<Container["status"]>["ports"]>;
type Wanted = { readonly from: number; readonly to: number; readonly protocol: string };

/** @throws DockerError 400 */
export function portFilter(name: "publish" | "expose", values: readonly string[]): (ports: Ports) => boolean {
  const wanted = values.map((value) => wantedOf(name, value));
  return (ports) =>
    ports.some(({ containerPort, hostPort, protocol }) => {
      const port = name === "publish" ? hostPort : containerPort;
      return port !== undefined && wanted.some((one) => one.protocol === protocol && one.from <= port && port <= one.to);
    });
}

function wantedOf(name: string, value: string): Wanted {
  const [, from, to = from, protocol = "tcp"] = /^(\d{1,5})(?:-(\d{1,5}))?(?:\/(tcp|udp|sctp))?$/i.exec(value) ?? [];
  if (from === undefined || Number(to) < Number(from) || Number(to) > 65_535) {
    throw badParameter(`invalid filter '${name}': ${value} is no port, nor a range of ports`);
  }
  return { from: Number(from), to: Number(to), protocol: protocol.toLowerCase() };
}
