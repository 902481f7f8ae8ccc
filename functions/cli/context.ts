/** What every command gets: the terminal, and the way to the server. */
import type { Client } from "./client.ts";
import type { Terminal } from "./terminal.ts";

export type Context = {
  readonly terminal: Terminal;
  /** To the server of the kubeconfig. @throws CommandError when there is none. */
  client(): Client;
};
