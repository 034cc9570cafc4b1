import { execFileSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { completionOf } from '../../../device/console/completion.ts';
import { createProgram } from '../../../server/program.ts';
import { commandNames, SILENT } from '../../support/program.ts';

const program = createProgram(SILENT);
const script = completionOf(program, 'bash');

/** What bash offers for the last of these words. */
function offered(...words: readonly string[]): string[] {
  const asked = `COMP_WORDS=(yggdrasil "$@"); COMP_CWORD=$#; _yggdrasil; printf '%s\\n' "\${COMPREPLY[@]}"`;
  const output = execFileSync('bash', ['--norc', '-c', `${script}\n${asked}`, 'bash', ...words], {
    encoding: 'utf8',
  });
  return output.split('\n').filter((line) => line !== '');
}

describe('the completion of bash', () => {
  it('offers commands, those below a command, and options', () => {
    expect(offered('dev')).toEqual(['devices']);
    expect(offered('devices', '')).toEqual(expect.arrayContaining(['list', 'show', 'watch', 'connect']));
    expect(offered('devices', 'list', '--wo')).toEqual(['--world-type']);
    expect(offered('keys', 'make', 'Name', '--limit-')).toEqual(['--limit-per-day', '--limit-per-month']);
  });

  it('offers the choices of an option, and leaves files to the shell where there are none', () => {
    expect(offered('devices', 'list', '--status', 'o')).toEqual(['offline']);
    expect(offered('lock', 'backup', '--credentials', '')).toEqual([]);
  });

  it('is not led astray by words that are no commands', () => {
    expect(offered('send', 'lamp', 'list', '--wa')).toEqual(['--wait']);
  });
});

describe('every completion', () => {
  it.each(['bash', 'zsh', 'fish'] as const)('for %s names every command', (shell) => {
    const text = completionOf(program, shell);
    for (const name of commandNames(program))
      expect(text).toContain(`' ${name}'`.replaceAll("'", shell === 'fish' ? "\\'" : "'"));
  });
});
