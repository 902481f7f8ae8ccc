/** What this room refuses by itself, with the status and in the words that Docker has for it. status.ts turns it, and all else that is thrown, into answers. */

/** Nothing was done but where a handler says so. */
export class DockerError extends Error {
  override readonly name = "DockerError";
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  constructor(status: number, message: string, headers: Readonly<Record<string, string>> = {}) {
    super(message);
    this.status = status;
    this.headers = headers;
  }
}

export const badParameter = (message: string): DockerError => new DockerError(400, message);
/** Docker's words for a path that leads nowhere. */
export const pageNotFound = (): DockerError => new DockerError(404, "page not found");
