import { Command, InvalidArgumentError } from 'commander';
import { idOf, urlOf } from '../node/process.ts';
import type { ConnectOptions, RouteOptions } from './main.ts';

/** A command that asks the REST API in the name of a user. */
const asking = (name: string, description: string): Command =>
  new Command(name)
    .description(description)
    .option('--server <url>', 'the server', urlOf('http', 'https'), 'http://127.0.0.1:8080')
    .option('--token <token>', 'of a user or an API key; better in the environment, as YGGDRASIL_TOKEN')
    .option('--network <id>', 'the network, where the devices share several', idOf);

/** `yggdrasil devices`, with `connect`. */
export function createDevicesCommand(): Command {
  const command = new Command('devices').description('What devices may do with each other.');
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
  return command;
}

/** `yggdrasil route`. */
export function createRouteCommand(): Command {
  return asking('route', 'Says which devices can be reached, over which path, and why others can not.')
    .option('--from <id>', 'seen from this device of yours', idOf)
    .option('--to <id>', 'to this device alone', idOf)
    .action(async (options: RouteOptions) => (await import('./main.ts')).showRoutes(options));
}

function secondsOf(text: string): number {
  const seconds = Number(text);
  if (Number.isInteger(seconds) && seconds >= 1 && seconds <= 604_800) return seconds;
  throw new InvalidArgumentError('It must be a number of seconds from 1 to 604800.');
}
