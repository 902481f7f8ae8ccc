/** `/_ping`: what a client must know before it asks anything. The classic builder is what works on a fleet, so it is what is offered. */
import type { Call } from "../call.ts";
import type { DockerAnswer } from "../exchange.ts";

export const ping = ({ request }: Call): DockerAnswer => ({
  status: 200,
  headers: {
    "content-type": "text/plain; charset=utf-8",
    "cache-control": "no-cache, no-store, must-revalidate",
    pragma: "no-cache",
    "builder-version": "1",
    swarm: "inactive",
    ...(request.method === "HEAD" && { "content-length": "0" }),
  },
  body: request.method === "HEAD" ? null : "OK",
});
