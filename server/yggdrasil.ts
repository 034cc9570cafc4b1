#!/usr/bin/env node
import { homedir } from 'node:os';
import { type Command, CommanderError, program } from 'commander';
import { createBenchCommand } from '../bench/command.ts';
import { createActCommand, createDevicesCommand, createRouteCommand } from '../device/control/command.ts';
import { createDemoCommand } from '../device/demo/command.ts';
import { createRuleEndpointCommand } from '../device/examples/rule-endpoint/command.ts';
import { createFrameCommand } from '../device/frame/command.ts';
import { createLockCommand } from '../device/lock/command.ts';
import { createProviderCommand } from '../device/provider/command.ts';
import { createProvisionCommand } from '../device/provision/command.ts';
import { createRatatoskrCommand } from '../device/ratatoskr/command.ts';
import { createShowReceiptCommand, verifyReceiptFile } from '../device/receipts/command.ts';
import { createReleaseCommand, createRolloutCommand } from '../device/releases/command.ts';
import { createScriptCommand } from '../device/scripts/command.ts';
import { createVirtualDeviceCommand } from '../device/virtual/command.ts';
import packageJson from '../package.json' with { type: 'json' };
import {
  createAbuseCommand,
  createAuditCommand,
  createRemoveDataCommand,
  createSecretsCommand,
  createServerCommand,
  createSetupCodeCommand,
  createTokenCommand,
  createUserCommand,
} from './command.ts';

/**
 * The program `yggdrasil`: every command of this project, and nothing but their names, options and exit codes.
 *
 * A new command is a `command.ts` in the folder it belongs to, and a line here. A `command.ts` only describes: its action
 * imports the code that does the work, so that a command loads no other's code, and help loads none.
 */
const COMMANDS: readonly Command[] = [
  createServerCommand(),
  createRemoveDataCommand(),
  createUserCommand(),
  createTokenCommand(),
  createSetupCodeCommand(),
  createSecretsCommand(),
  createAbuseCommand(),
  createAuditCommand(verifyReceiptFile).addCommand(createShowReceiptCommand()),
  createProviderCommand(),
  createProvisionCommand(),
  createVirtualDeviceCommand(),
  createScriptCommand(),
  createReleaseCommand(),
  createRolloutCommand(),
  createFrameCommand(),
  createRatatoskrCommand(),
  createDevicesCommand(),
  createRouteCommand(),
  createActCommand(),
  createLockCommand(),
  createRuleEndpointCommand(),
  createDemoCommand(),
  createBenchCommand(),
];

/** The command did what it was asked to, help and version included. */
const EXIT_DONE = 0;
/** The command was understood, and failed. */
const EXIT_FAILED = 1;
/** The command line was wrong, and nothing was started or made. */
const EXIT_USED_WRONGLY = 2;

const EXIT_CODES = `
Exit codes:
  ${EXIT_DONE}  done
  ${EXIT_FAILED}  failed
  ${EXIT_USED_WRONGLY}  used wrongly: nothing was started or made`;

/** Stack traces name the sources. It works for what is loaded from now on, which is every command's code. */
process.setSourceMapsEnabled(true);

giveHome();

let commandName = 'yggdrasil';
program
  .name('yggdrasil')
  .description('A relay for every device of a household, and a marketplace for their computing time.')
  .addHelpText('after', EXIT_CODES)
  // What stands behind the name of a command is that command's, also where the one above it has an option of the same name.
  .enablePositionalOptions()
  .hook('preSubcommand', (_program, command) => {
    commandName = command.name();
  });
for (const command of COMMANDS) program.addCommand(command);
applyConventions(program);

try {
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

/** Gives a command and all below it `--version` and the exit codes of this program. */
function applyConventions(command: Command): void {
  command
    .version(packageJson.version)
    .exitOverride(({ exitCode }) => process.exit(exitCode === 0 ? EXIT_DONE : EXIT_USED_WRONGLY));
  for (const child of command.commands) applyConventions(child);
}
