import type { Command, Option } from 'commander';

/** A shell that a completion is made for. */
export type Shell = 'bash' | 'zsh' | 'fish';

interface Described {
  /** Its words behind the program's name, each with a space before it: ` devices list`; empty: the program itself. */
  readonly path: string;
  readonly commands: readonly { readonly name: string; readonly description: string }[];
  readonly options: readonly Option[];
}

/** A script that completes the program's commands, options and choices: made from its own definition, whole, so that it needn't run for that. */
export function completionOf(program: Command, shell: Shell): string {
  const described = describe(program, '');
  const name = program.name();
  return { bash: bashScript, zsh: zshScript, fish: fishScript }[shell](name, described);
}

function describe(command: Command, path: string): Described[] {
  const shown = command.createHelp().visibleCommands(command);
  return [
    {
      path,
      commands: shown.map((child) => ({ name: child.name(), description: summaryOf(child.description()) })),
      options: command.createHelp().visibleOptions(command),
    },
    ...command.commands
      .filter((child) => shown.includes(child))
      .flatMap((child) => describe(child, `${path} ${child.name()}`)),
  ];
}

const summaryOf = (description: string): string => description.split(/(?<=\.) /)[0] ?? '';
const namesOf = ({ long, short }: Option): string[] => [short, long].filter((name) => name !== undefined);
const takesValue = ({ required, optional }: Option): boolean => required || optional;
/** In single quotes, as bash and zsh read them. */
const quoted = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;
const fishQuoted = (text: string): string => `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;

/** Each option that takes a value, as the shell finds it: where it is, its name, and what it may be. */
const valuesOf = (described: readonly Described[]) =>
  described.flatMap(({ path, options }) =>
    options
      .filter(takesValue)
      .flatMap((option) =>
        namesOf(option).map((name) => ({ at: `${path}:${name}`, choices: option.argChoices })),
      ),
  );

/** `a|b|c`, for a `case`. */
const anyOf = (texts: readonly string[]): string => texts.map(quoted).join('|');

const freeOf = (described: readonly Described[]): string =>
  anyOf(valuesOf(described).flatMap(({ at, choices }) => (choices === undefined ? [at] : [])));

const wordsBelow = (described: readonly Described[]): string =>
  anyOf(described.slice(1).map(({ path }) => path));

function bashScript(name: string, described: readonly Described[]): string {
  const chosen = valuesOf(described).flatMap(({ at, choices }) =>
    choices === undefined ? [] : [`    ${quoted(at)}) words=${quoted(choices.join(' '))} ;;`],
  );
  const known = described.map(({ path, commands, options }) => {
    const words = [...commands.map((command) => command.name), ...options.flatMap(namesOf)];
    return `      ${quoted(path)}) words=${quoted(words.join(' '))} ;;`;
  });
  return `# Completion of ${name} for bash: source <(${name} completion bash)
_${name}() {
  local at='' words='' i
  for ((i = 1; i < COMP_CWORD; i++)); do
    case "$at \${COMP_WORDS[i]}" in
      ${wordsBelow(described)}) at="$at \${COMP_WORDS[i]}" ;;
    esac
  done
  case "$at:\${COMP_WORDS[COMP_CWORD - 1]}" in
${chosen.join('\n')}
    ${freeOf(described)}) return ;;
    *) case "$at" in
${known.join('\n')}
    esac ;;
  esac
  local IFS=$' \\n'
  COMPREPLY=($(compgen -W "$words" -- "\${COMP_WORDS[COMP_CWORD]}"))
}
complete -o default -F _${name} ${name}
`;
}

function zshScript(name: string, described: readonly Described[]): string {
  const item = (word: string, text: string) => quoted(`${word.replaceAll(':', '\\:')}:${text}`);
  const chosen = valuesOf(described).flatMap(({ at, choices }) =>
    choices === undefined
      ? []
      : [`    (${quoted(at)}) compadd -- ${choices.map(quoted).join(' ')}; return ;;`],
  );
  const known = described.map(({ path, commands, options }) => {
    const listed = commands.map((command) => item(command.name, command.description));
    const flags = options.flatMap((option) => namesOf(option).map((flag) => item(flag, option.description)));
    return `    (${quoted(path)}) commands=(${listed.join(' ')}) options=(${flags.join(' ')}) ;;`;
  });
  return `#compdef ${name}
# Completion of ${name} for zsh: source <(${name} completion zsh), behind compinit
_${name}() {
  local at='' i
  local -a commands options
  for ((i = 2; i < CURRENT; i++)); do
    case "$at \${words[i]}" in
      (${wordsBelow(described)}) at="$at \${words[i]}" ;;
    esac
  done
  case "$at:\${words[CURRENT - 1]}" in
${chosen.join('\n')}
    (${freeOf(described)}) _files; return ;;
  esac
  case "$at" in
${known.join('\n')}
  esac
  if [[ $PREFIX == -* ]]; then _describe -o option options
  elif (( $#commands )); then _describe command commands
  else _files; fi
}
compdef _${name} ${name}
`;
}

function fishScript(name: string, described: readonly Described[]): string {
  const lines = described.flatMap(({ path, commands, options }) => {
    const here = `complete -c ${name} -n ${fishQuoted(`__${name}_at ${fishQuoted(path)}`)}`;
    return [
      ...commands.map(
        (command) => `${here} -f -a ${fishQuoted(command.name)} -d ${fishQuoted(command.description)}`,
      ),
      ...options.map((option) => {
        const long = option.long === undefined ? '' : ` -l ${option.long.slice(2)}`;
        const short = option.short === undefined ? '' : ` -s ${option.short.slice(1)}`;
        const choices =
          option.argChoices === undefined ? '' : ` -f -a ${fishQuoted(option.argChoices.join(' '))}`;
        const value = takesValue(option) ? ` -r${choices}` : '';
        return `${here}${long}${short}${value} -d ${fishQuoted(option.description)}`;
      }),
    ];
  });
  const paths = described.slice(1).map(({ path }) => fishQuoted(path));
  return `# Completion of ${name} for fish: ${name} completion fish | source
function __${name}_at
  set -l at ''
  for word in (commandline -opc)[2..-1]
    contains -- "$at $word" ${paths.join(' ')}; and set at "$at $word"
  end
  test "$at" = "$argv[1]"
end
${lines.join('\n')}
`;
}
