/** What the code under test may throw. By name: a copy of the code has classes of its own. */

export const errorName = (error: unknown): string => (error instanceof Error ? error.name : typeof error);

/** Errors by which nothing was written, or that say that this is unknown. All others are bugs. */
const harmless = new Set([
  "AlreadyExistsError",
  "NotFoundError",
  "ConflictError",
  "BusyError",
  "UnavailableError",
  "TooLargeError",
  "OutcomeUnknownError",
  "GoneError",
  "PortError",
]);
export const isHarmless = (error: unknown): boolean => harmless.has(errorName(error));
