import { Command } from 'commander';
import { createBenchCommand } from '../bench/command.ts';
import {
  createAllowanceCommand,
  createChatCommand,
  createCompletionCommand,
  createDeviceViewCommands,
  createDiscoverCommand,
  createDisputeCommand,
  createKeysCommand,
  createLoginCommand,
  createLogoutCommand,
  createModelsCommand,
  createSendCommand,
  createWatchCommand,
} from '../device/console/command.ts';
import { createActCommand, createDevicesCommand, createRouteCommand } from '../device/control/command.ts';
import { createDemoCommand } from '../device/demo/command.ts';
import { createRuleEndpointCommand } from '../device/examples/rule-endpoint/command.ts';
import { createFleetCommand } from '../device/fleet/command.ts';
import { createFrameCommand } from '../device/frame/command.ts';
import { createLockCommand } from '../device/lock/command.ts';
import { createMosquittoCommand } from '../device/mosquitto/command.ts';
import { createProviderCommand } from '../device/provider/command.ts';
import { createIdentityCommand, createProvisionCommand } from '../device/provision/command.ts';
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
const createCommands = (): readonly Command[] => [
  createLoginCommand(),
  createLogoutCommand(),
  createDiscoverCommand(),
  createDevicesCommand(createDeviceViewCommands()),
  createSendCommand(),
  createWatchCommand(),
  createModelsCommand(),
  createChatCommand(),
  createKeysCommand(),
  createAllowanceCommand(),
  createDisputeCommand(),
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
  createIdentityCommand(),
  createVirtualDeviceCommand(),
  createFleetCommand(),
  createScriptCommand(),
  createReleaseCommand(),
  createRolloutCommand(),
  createFrameCommand(),
  createMosquittoCommand(),
  createRatatoskrCommand(),
  createRouteCommand(),
  createActCommand(),
  createLockCommand(),
  createRuleEndpointCommand(),
  createDemoCommand(),
  createBenchCommand(),
  createCompletionCommand(),
];

/** The command did what it was asked to, help and version included. */
export const EXIT_DONE = 0;
/** The command was understood, and failed. */
export const EXIT_FAILED = 1;
/** The command line was wrong, and nothing was started or made. */
export const EXIT_USED_WRONGLY = 2;

const EXIT_CODES = `
Exit codes:
  ${EXIT_DONE}  done
  ${EXIT_FAILED}  failed
  ${EXIT_USED_WRONGLY}  used wrongly: nothing was started or made`;

/** What the program tells whoever runs it. */
export interface ProgramListener {
  /** The name of the command that is run. */
  readonly began: (commandName: string) => void;
  /** Ends the process: help and version were printed, or the command line was wrong. */
  readonly exit: (exitCode: number) => never;
}

/** The program, which runs nothing yet. */
export function createProgram({ began, exit }: ProgramListener): Command {
  const program = new Command('yggdrasil')
    .description('A relay for every device of a household, and a marketplace for their computing time.')
    .addHelpText('after', EXIT_CODES)
    // What stands behind the name of a command is that command's, also where the one above it has an option of the same name.
    .enablePositionalOptions()
    .hook('preSubcommand', (_program, command) => began(command.name()));
  for (const command of createCommands()) program.addCommand(command);
  applyConventions(program, exit);
  return program;
}

/** Gives a command and all below it `--version` and the exit codes of this program. */
function applyConventions(command: Command, exit: ProgramListener['exit']): void {
  command
    .version(packageJson.version)
    .exitOverride(({ exitCode }) => exit(exitCode === 0 ? EXIT_DONE : EXIT_USED_WRONGLY));
  for (const child of command.commands) applyConventions(child, exit);
}
