import { Command, InvalidArgumentError, Option } from 'commander';
import type { NeededDevices, PlainValue } from '../client/index.ts';
import { parseArgument } from '../node/arguments.ts';
import { idOf, wholeNumber } from '../node/process.ts';
import { credentialsOption, withAccount, withJson } from '../node/server-options.ts';
import type { ActCommandOptions } from './act.ts';
import type { FingerprintOptions } from './fingerprint.ts';
import type { ConnectOptions, RouteOptions } from './main.ts';
import type { MqttLoginOptions } from './mqtt-login.ts';

/** A command that asks the REST API in the name of a user. */
const asking = (name: string, description: string): Command =>
  withJson(withAccount(new Command(name).description(description))).option(
    '--network <id>',
    'the network, where the devices share several',
    idOf,
  );

/** `yggdrasil devices`, with `connect` and others. */
export function createDevicesCommand(others: readonly Command[]): Command {
  const command = new Command('devices').description('Your devices, and what they may do with each other.');
  for (const other of others) command.addCommand(other);
  command.addCommand(
    asking('connect', 'Lets one device send to another, or asks for that.')
      .argument('<source>', 'id of a device of yours', idOf)
      .argument('<target>', 'id of the device that it shall send to', idOf)
      .option('--operation <name...>', 'names of commands and events, or area.* (default: anything)')
      .option('--reason <text>', 'why, for who is asked', '')
      .option('--wait <seconds>', 'how long to wait for the answer', secondsOf, 60)
      .action(async (source: string, target: string, options: ConnectOptions) =>
        (await import('./main.ts')).connectDevices(source, target, options),
      ),
  );
  command.addCommand(createFingerprintCommand());
  command.addCommand(createMqttLoginCommand());
  return command;
}

const FINGERPRINT_HELP = `
Run it at both devices and compare the digits, by telephone for example: where they are the same, nobody stands between the two, the
server included. The other device's key is the one that the server shows.

Example:
  yggdrasil devices fingerprint 0198... --credentials hand.json`;

function createFingerprintCommand(): Command {
  return withJson(withAccount(new Command('fingerprint')))
    .description('Says the digits by which two people know that nobody reads what their devices seal.')
    .argument('<device>', 'id of the other device', idOf)
    .addOption(credentialsOption('of this device').makeOptionMandatory())
    .option('--create-key', 'makes this device a key to seal with, in the file, where it has none')
    .addHelpText('after', FINGERPRINT_HELP)
    .action(async (device: string, options: FingerprintOptions) =>
      (await import('./fingerprint.ts')).showFingerprint(device, options),
    );
}

function createMqttLoginCommand(): Command {
  return withJson(withAccount(new Command('mqtt-login')))
    .description('Gives a device a short user name and a password for MQTT, or shows its user name.')
    .argument('<device>', 'id of a device of yours', idOf)
    .option('--name <word>', 'what the user name begins with; the server adds six letters')
    .option('--password-file <file>', 'the password, in place of one that the server makes')
    .addOption(new Option('--remove', 'removes both').conflicts(['name', 'passwordFile']))
    .action(async (device: string, options: MqttLoginOptions) =>
      (await import('./mqtt-login.ts')).changeMqttLogin(device, options),
    );
}

/** `yggdrasil route`. */
export function createRouteCommand(): Command {
  return asking('route', 'Says which devices can be reached, over which path, and why others can not.')
    .option('--from <id>', 'seen from this device of yours', idOf)
    .option('--to <id>', 'to this device alone', idOf)
    .action(async (options: RouteOptions) => (await import('./main.ts')).showRoutes(options));
}

const ACT_HELP = `
Progress goes to standard error; the parts of the result and its values go to standard output. Ctrl-C cancels the action.
Exit code: 0 where it was done, else 1. Of several devices that are asked as one those that aren't needed any more are cancelled.

Examples:
  yggdrasil act 0198... led.blink --arg times=5 --arg intervalMs=200
  yggdrasil act 0198... door.lock --also 0199... 019a... --need 2`;

/** `yggdrasil act`. */
export function createActCommand(): Command {
  return asking('act', 'Asks a device for an action, and shows what happens until its end.')
    .argument('<device>', 'id of the device', idOf)
    .argument('<name>', 'of the action')
    .option('--arg <name=value>', 'an argument; several times for several', collectArgument)
    .option('--also <device...>', 'further devices that are asked as one with it')
    .option('--need <all|any|n>', 'how many of them must have done it (default: all)', neededDevices)
    .option('--id <id>', 'of the action: the same one again is carried out once', idOf)
    .option('--priority <0-9>', 'the highest is given to the device first', wholeNumber(0, 9))
    .option('--timeout <seconds>', 'how long it may take in all (default: 60)', wholeNumber(1, 86_400))
    .addHelpText('after', ACT_HELP)
    .action(async (device: string, name: string, options: ActCommandOptions) => {
      const { also, need } = options;
      process.exitCode =
        also === undefined && need === undefined
          ? await (await import('./act.ts')).act(device, name, options)
          : await (await import('./act-together.ts')).actTogether(
              [device, ...(also ?? []).map(idOf)],
              name,
              options,
            );
    });
}

function neededDevices(text: string): NeededDevices {
  if (text === 'all' || text === 'any') return text;
  const needed = Number(text);
  if (Number.isInteger(needed) && needed >= 1) return needed;
  throw new InvalidArgumentError('It must be all, any, or a number of devices.');
}

function collectArgument(
  text: string,
  given: readonly (readonly [string, PlainValue])[] = [],
): readonly (readonly [string, PlainValue])[] {
  return [...given, parseArgument(text)];
}

function secondsOf(text: string): number {
  const seconds = Number(text);
  if (Number.isInteger(seconds) && seconds >= 1 && seconds <= 604_800) return seconds;
  throw new InvalidArgumentError('It must be a number of seconds from 1 to 604800.');
}
