// Shell completion: commands and flags, generated from the commands themselves; arguments complete to files.
import type { Command } from "commander";

export const shellNames = ["bash", "zsh", "fish"] as const;
export type ShellName = (typeof shellNames)[number];

interface Known {
  readonly name: string;
  readonly text: string;
  readonly flags: readonly { readonly long: string; readonly text: string; readonly takes: boolean }[];
}

const known = (program: Command): Known[] =>
  program.commands.map((command) => ({
    name: command.name(),
    text: command.description(),
    flags: command.options.flatMap(({ long, description, required, optional }) =>
      typeof long === "string" ? [{ long, text: description, takes: required || optional }] : [],
    ),
  }));

const plain = (text: string): string => text.replace(/['"`$\\:[\]]/g, " ");

function bash(commands: readonly Known[]): string {
  const cases = commands.map(({ name, flags }) => `    ${name}) words="${flags.map(({ long }) => long).join(" ")}" ;;`);
  return `# hebb completion for bash:  hebb completion bash > ~/.local/share/bash-completion/completions/hebb
_hebb() {
  local word="\${COMP_WORDS[COMP_CWORD]}" words=""
  if [ "$COMP_CWORD" -eq 1 ]; then
    COMPREPLY=($(compgen -W "${commands.map(({ name }) => name).join(" ")}" -- "$word"))
    return
  fi
  case "\${COMP_WORDS[1]}" in
${cases.join("\n")}
  esac
  if [[ "$word" == -* ]]; then COMPREPLY=($(compgen -W "$words" -- "$word"))
  else COMPREPLY=($(compgen -f -- "$word")); fi
}
complete -o filenames -F _hebb hebb
`;
}

function zsh(commands: readonly Known[]): string {
  const cases = commands.map(
    ({ name, flags }) =>
      `    ${name}) _arguments ${flags.map(({ long, text, takes }) => `'${long}[${plain(text)}]${takes ? ":value:_files" : ""}'`).join(" ")} '*:file:_files' ;;`,
  );
  return `#compdef hebb
# hebb completion for zsh:  hebb completion zsh > "\${fpath[1]}/_hebb"
_hebb() {
  if (( CURRENT == 2 )); then
    local -a commands=(${commands.map(({ name, text }) => `'${name}:${plain(text)}'`).join(" ")})
    _describe command commands
    return
  fi
  local command=$words[2]
  shift words
  (( CURRENT-- ))
  case $command in
${cases.join("\n")}
  esac
}
_hebb "$@"
`;
}

function fish(commands: readonly Known[]): string {
  const lines = commands.flatMap(({ name, text, flags }) => [
    `complete -c hebb -n __fish_use_subcommand -a ${name} -d '${plain(text)}'`,
    ...flags.map(
      ({ long, text: own, takes }) =>
        `complete -c hebb -n '__fish_seen_subcommand_from ${name}' -l ${long.slice(2)}${takes ? " -r" : ""} -d '${plain(own)}'`,
    ),
  ]);
  return `# hebb completion for fish:  hebb completion fish > ~/.config/fish/completions/hebb.fish\n${lines.join("\n")}\n`;
}

const scripts: Readonly<Record<ShellName, (commands: readonly Known[]) => string>> = { bash, zsh, fish };

/** The completion script for a shell. */
export const completionFor = (shell: ShellName, program: Command): string => scripts[shell](known(program));
