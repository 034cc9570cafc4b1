import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { installModel } from '../../../device/demo/model.ts';

/** A Python that installs nothing, and a folder with a space in its name beside it. `pip` is what its installing does. */
function setUp(pip: string) {
  const home = mkdtempSync(join(tmpdir(), 'yggdrasil demo '));
  onTestFinished(() => rmSync(home, { recursive: true }));
  const python = join(home, 'python3');
  const script = [
    '#!/bin/sh',
    'if [ "$2" = venv ]; then mkdir -p "$3/bin" && cp "$0" "$3/bin/python"; fi',
    `if [ "$2" = pip ]; then ${pip}; fi`,
    'if [ "$1" = -c ]; then echo "$0.gguf"; fi',
  ];
  writeFileSync(python, `${script.join('\n')}\n`);
  chmodSync(python, 0o755);
  const folder = join(home, 'demo model');
  const { signal } = new AbortController();
  return { home, folder, install: () => installModel({ folder, python, say: () => {}, signal }) };
}

it('a model is installed in place of one whose Python is gone', async () => {
  const { folder, install } = setUp('true');
  mkdirSync(join(folder, 'bin'), { recursive: true });
  symlinkSync('/gone/python3', join(folder, 'bin', 'python'));
  const { command, args } = await install();
  expect([command, existsSync(command)]).toEqual([join(folder, 'bin', 'python'), true]);
  expect(args).toContain(`${command}.gguf`);
});

it('of a model that could not be installed nothing stays', async () => {
  const { home, install } = setUp('echo no compiler; exit 1');
  await expect(install()).rejects.toThrow(/no compiler/);
  expect(readdirSync(home)).toEqual(['python3']);
});
