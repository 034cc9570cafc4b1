import { readFileSync } from 'node:fs';
import type { Command } from 'commander';
import { describe, expect, it } from 'vitest';
import { createProgram } from '../../../server/program.ts';
import { allCommands, SILENT } from '../../support/program.ts';

const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string };
const commands = allCommands(createProgram(SILENT));
/** Those that do something themselves. */
const doing = commands.filter(({ command, name }) => command.commands.length === 0 || name === 'provider');

/** What is called so and means something else: where credentials come, and whose log is looked at. */
const OTHERWISE = new Set([
  'provision --credentials',
  'identity restore --credentials',
  'audit verify --tenant',
]);

/** Why a command has no --json. */
const WITHOUT_JSON: Readonly<Record<string, string>> = {
  server: 'its log is JSON',
  lock: 'the output is that of the command that it runs',
  'frame encode': 'its output is a frame',
  demo: 'it tells a story, and --once ends it with JSON',
  completion: 'its output is for the shell',
};

/** The help of a command as it is printed, on a line as wide as the document's. */
const helpOf = (command: Command) => {
  command.configureHelp({ helpWidth: 120 });
  return command.helpInformation().trimEnd();
};

function document(): string {
  const rows = doing.map(({ name, command }) => {
    const given = command.registeredArguments.map(
      (argument) =>
        `${argument.required ? '<' : '['}${argument.name()}${argument.variadic ? '...' : ''}${argument.required ? '>' : ']'}`,
    );
    const anchor = `yggdrasil-${name.replaceAll(' ', '-')}`;
    return `| [\`${[name, ...given].join(' ').replaceAll('|', '\\|')}\`](#${anchor}) | ${command.description().replaceAll('|', '\\|')} |`;
  });
  const sections = doing.map(
    ({ name, command }) => `## yggdrasil ${name}\n\n\`\`\`\n${helpOf(command)}\n\`\`\`\n`,
  );
  return `# The commands of \`yggdrasil\`

Made from the program by \`tests/unit/program\`, as \`--help\` prints it. [README.md](../README.md#one-program) says what is the same everywhere.

| Command | What it does |
|---|---|
${rows.join('\n')}

${sections.join('\n')}`;
}

/** Gives the program these words. How it ends, null where a command began to work, and what it prints. */
async function give(...words: string[]) {
  const said = { stdout: '', stderr: '' };
  const ends: number[] = [];
  const program = createProgram({
    ...SILENT,
    exit: (exitCode) => {
      ends.push(exitCode);
      return SILENT.exit(exitCode);
    },
  });
  for (const command of [program, ...allCommands(program).map((one) => one.command)]) {
    command.configureOutput({
      writeOut: (text) => {
        said.stdout += text;
      },
      writeErr: (text) => {
        said.stderr += text;
      },
    });
  }
  await program.parseAsync(words, { from: 'user' }).catch((error: unknown) => {
    if (ends.length === 0) throw error;
  });
  return { status: ends[0] ?? null, ...said };
}

describe.each(commands)('yggdrasil $name', ({ name }) => {
  const words = name.split(' ');

  it('answers --help and --version', async () => {
    const { stdout, ...ended } = await give(...words, '--help');
    expect(ended).toEqual({ status: 0, stderr: '' });
    expect(stdout).toContain(`Usage: yggdrasil ${name}`);
    expect(await give(...words, '--version')).toEqual({ status: 0, stdout: `${version}\n`, stderr: '' });
  });

  it('refuses an option that it does not know, or says first what is missing', async () => {
    const { stderr, ...ended } = await give(...words, '--no-such-option');
    expect(ended).toEqual({ status: 2, stdout: '' });
    expect(stderr).toMatch(
      /^error: (unknown option '--no-such-option'|required option '--(credentials <file>|device-id <id>|dir <dir>|key <file>|yes)'|missing required argument)/,
    );
  });
});

describe('the commands of the program', () => {
  it('stand in docs/commands.md, with their help', async () => {
    await expect(document()).toMatchFileSnapshot('../../../docs/commands.md');
  });

  it('each say what they do, and what every argument and option is', () => {
    const silent = commands.flatMap(({ name, command }) => [
      ...(command.description() === '' ? [name] : []),
      ...command.options
        .filter(({ hidden, description }) => !hidden && description === '')
        .map(({ flags }) => `${name} ${flags}`),
    ]);
    expect(silent).toEqual([]);
  });

  it('take --json, but for those whose output is of another kind', () => {
    const without = doing.filter(({ command }) => !command.options.some(({ long }) => long === '--json'));
    expect(without.map(({ name }) => name).sort()).toEqual(Object.keys(WITHOUT_JSON).sort());
  });

  it('say server, credential and tenant in one way', () => {
    const ways = new Map<string, Set<string>>();
    for (const { name, command } of doing.filter(({ name: is }) => is !== 'login')) {
      for (const { long, flags, envVar = 'none' } of command.options) {
        if (!['--server', '--token', '--tenant', '--credentials'].includes(long ?? '')) continue;
        if (OTHERWISE.has(`${name} ${long}`)) continue;
        ways.set(long ?? '', (ways.get(long ?? '') ?? new Set()).add(`${flags} ${envVar}`));
      }
    }
    expect(Object.fromEntries([...ways].map(([name, said]) => [name, [...said]]))).toEqual({
      '--server': ['--server <url> YGGDRASIL_SERVER'],
      '--token': ['--token <token> YGGDRASIL_TOKEN'],
      '--tenant': ['--tenant <id> YGGDRASIL_TENANT'],
      '--credentials': ['--credentials <file> YGGDRASIL_CREDENTIALS'],
    });
  });
});
