/** What a command talks to, so that tests can listen: where text goes, and the environment. */
import { homedir } from "node:os";

export type Terminal = {
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly home: string;
  /** Data: what a pipe takes. */
  out(text: string): void;
  /** Data that is long: resolves when it was taken. */
  write(bytes: Uint8Array): Promise<void>;
  /** What is said to the person. */
  say(text: string): void;
};

export const processTerminal = (): Terminal => ({
  environment: process.env,
  home: homedir(),
  out: (text) => void process.stdout.write(text),
  write: (bytes) =>
    new Promise((resolve, reject) => {
      process.stdout.write(bytes, (error) => (error ? reject(error) : resolve()));
    }),
  say: (text) => void process.stderr.write(text),
});
