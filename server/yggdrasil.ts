#!/usr/bin/env node
import { homedir } from 'node:os';
import { CommanderError } from 'commander';
import { createProgram, EXIT_DONE, EXIT_FAILED, EXIT_USED_WRONGLY } from './program.ts';

/** Stack traces name the sources. It works for what is loaded from now on, which is every command's code. */
process.setSourceMapsEnabled(true);

giveHome();

let commandName = 'yggdrasil';
// Who reads what is printed has enough: `yggdrasil devices list | head`.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE' && commandName !== 'server') process.exit(EXIT_DONE);
  throw error;
});
try {
  const program = createProgram({
    began: (name) => {
      commandName = name;
    },
    exit: (exitCode) => process.exit(exitCode),
  });
  await program.parseAsync();
} catch (error) {
  const text = error instanceof Error ? error.message : String(error);
  // What a server says may be in it.
  const { printableLines } = await import('../device/node/terminal.ts');
  process.stderr.write(`${commandName}: ${printableLines(text)}\n`);
  process.exitCode = error instanceof CommanderError ? EXIT_USED_WRONGLY : EXIT_FAILED;
}

/** Libraries ask for the user's home when they are loaded; who is only a number (`docker run --user`) has none. */
function giveHome(): void {
  try {
    homedir();
  } catch {
    process.env.HOME = '/';
  }
}
