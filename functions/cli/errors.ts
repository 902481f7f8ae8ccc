/** What ends a command with one line instead of a stack. */

/** It could not be done; exit code 1. What was wrong, and what to do about it, is in the message. */
export class CommandError extends Error {
  override readonly name: string = "CommandError";
}

/** It was typed wrongly; exit code 2. Nothing was done. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}

/** The server refused: `code` is its status. Nothing was changed but where the message says otherwise. */
export class ServerError extends CommandError {
  override readonly name = "ServerError";
  readonly code: number;
  constructor(code: number, message: string) {
    super(message);
    this.code = code;
  }
}
