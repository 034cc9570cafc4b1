import { Argument, Command, Option } from 'commander';
import { parseArgument } from '../node/arguments.ts';
import { credentialsOption, serverOption, withJson } from '../node/server-options.ts';
import type { DeviceOptions } from './main.ts';

const EXAMPLES = ['led', 'hysteresis', 'remote'];
const load = () => import('./main.ts');

/** `yggdrasil script`: programs for devices, from the first line to the device. */
export function createScriptCommand(): Command {
  return new Command('script')
    .description('Writes, builds, signs, deploys and calls scripts that run on devices (docs/scripts.md).')
    .addCommand(createNewCommand())
    .addCommand(createBuildCommand())
    .addCommand(createSignCommand())
    .addCommand(createDeployCommand())
    .addCommand(
      forDevice('list', 'shows the scripts of a device').action(async (options: DeviceOptions) =>
        (await load()).listScripts(options),
      ),
    )
    .addCommand(createCallCommand())
    .addCommand(createChangeCommand('start', 'lets a script run again'))
    .addCommand(createChangeCommand('stop', 'stops a script; it stays so when the device restarts'))
    .addCommand(createChangeCommand('remove', 'removes a script and what it kept'));
}

function createNewCommand(): Command {
  return withJson(new Command('new').description('makes a folder with an example'))
    .argument('<folder>')
    .option('--name <name>', 'the name it is called by; the name of the folder otherwise')
    .addOption(new Option('--example <name>', 'what to begin with').choices(EXAMPLES).default('led'))
    .action(async (folder: string, options: { example: string; name?: string; json?: boolean }) =>
      (await load()).makeScript(folder, options),
    );
}

function createBuildCommand(): Command {
  return withJson(
    new Command('build').description('compiles script.ts and checks the module as a device does'),
  )
    .argument('<folder>')
    .action(async (folder: string, options: { json?: boolean }) =>
      (await load()).buildScript(folder, options),
    );
}

function createSignCommand(): Command {
  return withJson(new Command('sign').description('builds, and signs the package that is deployed'))
    .argument('<folder>')
    .requiredOption('--key <file>', "the owner's private key (Ed25519, PEM)")
    .option('--new-key', 'make the key, if the file is missing')
    .action(async (folder: string, options: { key: string; newKey?: boolean; json?: boolean }) =>
      (await load()).signScript(folder, options),
    );
}

function createDeployCommand(): Command {
  return forDevice(
    'deploy',
    'gives a device a package; done again, it goes on where it stopped',
    '<package>',
  ).action(async (file: string, options: DeviceOptions) => (await load()).deployScript(file, options));
}

function createCallCommand(): Command {
  return forDevice('call', 'calls a script by its name and prints its answer', '<name>')
    .option(
      '--argument <name=value>',
      'a number, true or false; may be repeated',
      (text: string, before: ReturnType<typeof parseArgument>[] = []) => [...before, parseArgument(text)],
    )
    .action(async (name: string, options: DeviceOptions) => (await load()).callScript(name, options));
}

function createChangeCommand(change: 'start' | 'stop' | 'remove', description: string): Command {
  return forDevice(change, description, '<name>').action(async (name: string, options: DeviceOptions) =>
    (await load()).changeScript(change, name, options),
  );
}

function forDevice(name: string, description: string, argument?: string): Command {
  const command = withJson(new Command(name).description(description));
  if (argument !== undefined) command.addArgument(new Argument(argument));
  return command
    .addOption(credentialsOption('of the device that gives the command').makeOptionMandatory())
    .addOption(serverOption())
    .requiredOption('--to <device id>', 'the device with the script');
}
