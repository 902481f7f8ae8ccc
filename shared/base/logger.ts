/** Structured log lines. A host chooses where they go; rooms only say what happened. No secret is ever passed in. */
export type LogLevel = "debug" | "info" | "warn" | "error";

export interface Logger {
  log(level: LogLevel, message: string, fields?: Readonly<Record<string, unknown>>): void;
}

/** Writes one JSON line an event to `write`, levels below `least` left out. Errors are written as name, message and cause. */
export function jsonLogger(write: (line: string) => void, now: () => number, least: LogLevel = "info"): Logger {
  const rank: Readonly<Record<LogLevel, number>> = { debug: 0, info: 1, warn: 2, error: 3 };
  return {
    log(level, message, fields = {}) {
      if (rank[level] < rank[least]) return;
      write(`${JSON.stringify({ time: new Date(now()).toISOString(), level, message, ...fields }, plainError)}\n`);
    },
  };
}

export const silentLogger: Logger = { log: () => undefined };

function plainError(_key: string, value: unknown): unknown {
  if (!(value instanceof Error)) return value;
  return { name: value.name, message: value.message, cause: value.cause, stack: value.stack };
}
