/** The command line as a test types it: in this process, with what it said in two strings and its exit code. */
import { runProgram } from "../../functions/cli/program.ts";

export type Typed = { readonly code: number; readonly out: string; readonly err: string };

/** `home`: where ~/.kube/config would be. */
export async function type(
  { home, environment = {} }: { readonly home: string; readonly environment?: Readonly<Record<string, string>> },
  ...words: readonly string[]
): Promise<Typed> {
  let [out, err] = ["", ""];
  const code = await runProgram(words, {
    environment,
    home,
    out: (text) => {
      out += text;
    },
    write: async (bytes) => {
      out += Buffer.from(bytes).toString("utf8");
    },
    say: (text) => {
      err += text;
    },
  });
  return { code, out, err };
}
