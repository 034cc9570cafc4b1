import { Command } from 'commander';
import { idOf, urlOf, wholeNumber } from '../node/process.ts';
import { withAccount, withJson } from '../node/server-options.ts';
import type { FleetOptions } from './main.ts';

/** `yggdrasil fleet`. */
export function createFleetCommand(): Command {
  return withJson(
    withAccount(
      new Command('fleet').description(
        'Many virtual devices of plain MQTT: registers them, lets each measure and take the command led.set, and says how they fare.',
      ),
    ),
  )
    .requiredOption(
      '--dir <dir>',
      "where their credentials are kept, a file for each; those that are there aren't registered again",
    )
    .requiredOption('--network <id>', 'the network they are in', idOf)
    .requiredOption('--mqtt <url>', 'the broker, e.g. mqtt://127.0.0.1:1883', urlOf('mqtt', 'mqtts'))
    .option('--devices <n>', 'how many', wholeNumber(1, 10_000), 1_000)
    .option('--interval-ms <n>', 'time between two readings of a device', wholeNumber(1), 10_000)
    .option('--count <n>', 'stop after this many readings of each', wholeNumber(1))
    .action(async (options: FleetOptions) => (await import('./main.ts')).runFleet(options));
}
