/** What the embedded host throws when it can't start for a reason that the person at the shell can mend: one line, no stack. */

/** Nothing is running; what was wrong and what to do about it is in the message. */
export class StartError extends Error {
  override readonly name: string = "StartError";
}

/** A flag or a variable of the environment is wrong. Nothing was touched. */
export class ConfigError extends StartError {
  override readonly name = "ConfigError";
}
