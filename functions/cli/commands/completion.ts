/** `windlass completion`: what a shell needs to complete commands and flags, made from the command tree itself. */
import { Argument, Command } from "commander";
import { settings } from "../../local/settings.ts";
import type { Context } from "../context.ts";

/** What can follow a command's words. `path` is "" for the program itself, "token create" and the like below. */
type Place = { readonly path: string; readonly words: readonly Word[]; readonly children: readonly string[] };
type Word = { readonly word: string; readonly about: string };

const shells = ["bash", "zsh", "fish"] as const;

export const completionCommand = ({ terminal }: Context, program: Command): Command =>
  new Command("completion")
    .description("print the completion script of a shell: source <(windlass completion bash), or | source in fish")
    .addArgument(new Argument("<shell>").choices(shells))
    .action((shell: (typeof shells)[number]) => terminal.out(scriptFor(shell, placesOf(program, ""))));

function scriptFor(shell: (typeof shells)[number], places: readonly Place[]): string {
  switch (shell) {
    case "bash":
      return bashScript(places);
    case "zsh":
      return zshScript(places);
    case "fish":
      return fishScript(places);
    default:
      return shell satisfies never;
  }
}

function placesOf(command: Command, path: string): Place[] {
  const below = (name: string): string => (path === "" ? name : `${path} ${name}`);
  const flags = command.options.flatMap(({ long, description }) => (long ? [{ word: long, about: description }] : []));
  // start's flags are its own parser's.
  const own = path === "start" ? settings.map(({ field, about }) => ({ word: `--${field}`, about })) : [];
  const children = command.commands.map((child) => ({ word: child.name(), about: child.description() }));
  const choices = command.registeredArguments.flatMap(({ argChoices = [] }) => argChoices.map((word) => ({ word, about: "" })));
  const place = {
    path,
    words: [...children, ...choices, ...flags, ...own, { word: "--help", about: "help" }],
    children: children.map(({ word }) => below(word)),
  };
  return [place, ...command.commands.flatMap((child) => placesOf(child, below(child.name())))];
}

/** Shell cases that follow the words typed so far down the tree: `where` ends as a place's path. */
function walkCases(places: readonly Place[]): string {
  const paths = places.flatMap(({ children }) => children).map((path) => (path.includes(" ") ? `"${path}"` : `" ${path}"`));
  return `case "$where $word" in ${paths.join("|")}) where="\${where:+$where }$word" ;; esac`;
}

const wordCases = (places: readonly Place[], act: (words: string) => string): string =>
  places.map(({ path, words }) => `    "${path}") ${act(words.map(({ word }) => word).join(" "))} ;;`).join("\n");

const bashScript = (places: readonly Place[]): string => `# bash completion of windlass
_windlass() {
  local word where="" words=""
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    ${walkCases(places)}
  done
  case "$where" in
${wordCases(places, (words) => `words="${words}"`)}
  esac
  COMPREPLY=($(compgen -W "$words" -- "\${COMP_WORDS[COMP_CWORD]}"))
}
complete -o default -F _windlass windlass
`;

const zshScript = (places: readonly Place[]): string => `#compdef windlass
_windlass() {
  local word where=""
  for word in \${words[2,CURRENT-1]}; do
    ${walkCases(places)}
  done
  case "$where" in
${wordCases(places, (words) => `compadd -- ${words}`)}
  esac
  _files
}
compdef _windlass windlass
`;

function fishScript(places: readonly Place[]): string {
  const paths = places.flatMap(({ children }) => children).map((path) => (path.includes(" ") ? `"${path}"` : `" ${path}"`));
  const lines = places.flatMap(({ path, words }) =>
    words.map(({ word, about }) => {
      const what = word.startsWith("--") ? `-l ${word.slice(2)}` : `-a ${word}`;
      return `complete -c windlass -n '__windlass_at "${path}"' ${what} -d ${quoted(about)}`;
    }),
  );
  return `# fish completion of windlass
function __windlass_at
  set -l where ""
  for word in (commandline -opc)[2..-1]
    switch "$where $word"
      case ${paths.join(" ")}
        set where (string trim "$where $word")
    end
  end
  test "$where" = "$argv[1]"
end
${lines.join("\n")}
`;
}

const quoted = (text: string): string => `'${text.replaceAll("\\", "\\\\").replaceAll("'", "\\'")}'`;
