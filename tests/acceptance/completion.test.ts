import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { completionOf } from '../../device/console/completion.ts';
import { createProgram } from '../../server/program.ts';
import { requireDebianPackage } from '../support/apt.ts';
import { SILENT } from '../support/program.ts';

const run = promisify(execFile);
const program = createProgram(SILENT);
const folder = mkdtempSync(join(tmpdir(), 'yggdrasil-completion-'));

beforeAll(async () => {
  await requireDebianPackage('zsh', 'zsh');
  await requireDebianPackage('fish', 'fish');
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** What fish offers for what is on its line. */
async function offeredByFish(line: string): Promise<string[]> {
  const file = join(folder, 'completion.fish');
  writeFileSync(file, completionOf(program, 'fish'));
  const { stdout } = await run('fish', ['--no-config', '-c', `source ${file}; complete -C '${line}'`], {
    env: { ...process.env, HOME: folder },
  });
  return stdout
    .split('\n')
    .filter((offer) => offer !== '')
    .map((offer) => offer.split('\t')[0] ?? '');
}

/** What becomes of a line in zsh, at a terminal, when somebody presses Tab behind it. */
async function completedByZsh(line: string): Promise<string> {
  const file = join(folder, 'completion.zsh');
  const said = 'yggdrasil() { print "DONE<$*>END" }\nPS1=; autoload -U compinit; compinit -D -u\n';
  writeFileSync(file, `${said}${completionOf(program, 'zsh')}\nprint "IS${'READY'}"\n`);
  const terminal = `
    zmodload zsh/zpty
    zpty shell 'zsh -f -i'
    zpty -w shell 'source ${file}'
    zpty -r shell text '*ISREADY*'
    zpty -w -n shell $'${line}\\t\\n'
    zpty -r shell text '*DONE<*>END*'
    print -r -- "$text"
    zpty -d shell`;
  const { stdout } = await run('zsh', ['-f', '-c', terminal], {
    env: { ...process.env, HOME: folder, TERM: 'dumb' },
    timeout: 30_000,
  });
  return /DONE<(.*?)>END/.exec(stdout)?.[1]?.trim() ?? '';
}

describe('the completion of fish', () => {
  it('offers commands, those below a command, options and their choices', async () => {
    expect(await offeredByFish('yggdrasil dev')).toContain('devices');
    expect(await offeredByFish('yggdrasil devices ')).toEqual(
      expect.arrayContaining(['list', 'show', 'watch', 'connect']),
    );
    expect(await offeredByFish('yggdrasil devices list --wo')).toContain('--world-type');
    expect(await offeredByFish('yggdrasil devices list --status o')).toContain('offline');
  });
});

describe('the completion of zsh', () => {
  it('completes commands, those below a command, options and their choices', async () => {
    expect(await completedByZsh('yggdrasil devi')).toBe('devices');
    expect(await completedByZsh('yggdrasil devices sh')).toBe('devices show');
    expect(await completedByZsh('yggdrasil devices list --wo')).toBe('devices list --world-type');
    expect(await completedByZsh('yggdrasil devices list --status of')).toBe('devices list --status offline');
  });
});
