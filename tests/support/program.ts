import type { Command } from 'commander';
import type { ProgramListener } from '../../server/program.ts';

/** Runs nothing, and ends nothing. */
export const SILENT: ProgramListener = {
  began: () => {},
  exit: (exitCode) => {
    throw new Error(`exit code ${exitCode}`);
  },
};

/** A command with its words: `devices list`. */
export interface NamedCommand {
  readonly name: string;
  readonly command: Command;
}

/** Every command of the program, each before those below it. */
export const allCommands = (program: Command, above = ''): NamedCommand[] =>
  program.commands.flatMap((command) => {
    const name = `${above}${command.name()}`;
    return [{ name, command }, ...allCommands(command, `${name} `)];
  });

export const commandNames = (program: Command): string[] => allCommands(program).map(({ name }) => name);
