#!/usr/bin/env node
import { homedir } from 'node:os';
import { CommanderError } from 'commander';
import { createProgram, EXIT_FAILED, EXIT_USED_WRONGLY } from './program.ts';

/** Stack traces name the sources. It works for what is loaded from now on, which is every command's code. */
process.setSourceMapsEnabled(true);

giveHome();

let commandName = 'yggdrasil';
try {
  const program = createProgram({
    began: (name) => {
      commandName = name;
    },
    exit: (exitCode) => process.exit(exitCode),
  });
  await program.parseAsync();
} catch (error) {
  process.stderr.write(`${commandName}: ${error instanceof Error ? error.message : String(error)}\n`);
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
