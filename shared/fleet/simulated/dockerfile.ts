/** Lines of a Dockerfile, without continuations: what simulated builds and imports look at. */
export type Step = { readonly verb: string; readonly words: string; readonly line: string };

export function stepsOf(text: string): readonly Step[] {
  const lines = text.split("\n").map((line) => line.trim());
  return lines
    .filter((line) => line !== "" && !line.startsWith("#"))
    .map((line) => {
      const space = line.indexOf(" ");
      return { verb: line.slice(0, space).toUpperCase(), words: line.slice(space + 1).trim(), line };
    });
}
