/** Ports and a bus of which one call fails, either before it does anything or after it has done it, as a crash between steps does. */
import type { Ports } from "../../functions/aws/dynamo-ports.ts";
import type { EventBus } from "../../shared/routes/event-bus.ts";

export type Fault = {
  /** Calls that still go well; then one fails, and all after it, until it is set anew. */
  left: number;
  /** Whether the failing call does its work first. */
  readonly after: boolean;
};

class CrashError extends Error {
  override readonly name = "CrashError";
}

export function withFaults<P extends Ports & { readonly bus: EventBus }>(ports: P, fault: Fault): P {
  return {
    ...ports,
    log: faulty(ports.log, fault),
    objects: faulty(ports.objects, fault),
    cells: faulty(ports.cells, fault),
    bus: faulty(ports.bus, fault),
  };
}

/** Methods that answer at once (head, bytesOf) go well always. */
const atOnce: readonly PropertyKey[] = ["head", "bytesOf"];

export function faulty<T extends object>(port: T, fault: Fault): T {
  return new Proxy(port, {
    get(target, name) {
      const method: unknown = Reflect.get(target, name);
      if (typeof method !== "function") return method;
      if (atOnce.includes(name)) return method.bind(target);
      return async (...args: unknown[]) => {
        if (fault.left > 0) {
          fault.left -= 1;
          return method.apply(target, args);
        }
        if (fault.after && fault.left === 0) await method.apply(target, args);
        fault.left = -1;
        if (name === "append") return { kind: "unknown", cause: new CrashError("cut off") };
        throw new CrashError(`${String(name)} is cut off`);
      };
    },
  });
}
