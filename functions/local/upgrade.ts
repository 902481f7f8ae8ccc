/**
 * Connections that leave HTTP (docker attach and exec). Whoever gives the hook authenticates them like every request; this one,
 * for a host that has no use for them yet, does so and says that there is none.
 */
import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import type { Authenticator } from "../../shared/access/access.ts";
import { refuseConnection } from "./status.ts";

/**
 * Takes over the connection: it answers (101 or a refusal), and ends `socket`. `head` is what came after the request's headers.
 * The listener hears the socket's errors; when the hook throws or rejects, the connection is destroyed.
 */
export type UpgradeHook = (request: IncomingMessage, socket: Duplex, head: Buffer) => void | Promise<void>;

/** 401 to who is not known, else 501. */
export function refuseUpgrades(authenticator: Authenticator): UpgradeHook {
  return async (request, socket) => {
    const principal = await authenticator.authenticate(request.headers.authorization);
    if (principal === undefined) return refuseConnection(socket, { code: 401, reason: "Unauthorized", message: "Unauthorized" });
    const protocol = JSON.stringify(request.headers.upgrade);
    const message = `this server does not upgrade connections to ${protocol}; send the request without the Upgrade header`;
    return refuseConnection(socket, { code: 501, reason: "NotImplemented", message });
  };
}
