import { Command } from 'commander';
import { withAccount, withJson } from '../node/server-options.ts';
import type { ExportOptions } from './export.ts';

/** `yggdrasil mosquitto`. */
export function createMosquittoCommand(): Command {
  return withJson(
    withAccount(
      new Command('mosquitto').description(
        'Writes the files "passwords" and "acl" of a mosquitto that your devices are connected with, and shows the passwords that are new.',
      ),
    ),
  )
    .requiredOption('--dir <dir>', 'where the files are, or are to be')
    .option('--server-user <name>', 'the name that the server signs in with', 'yggdrasil')
    .addHelpText(
      'after',
      '\nWho is in "passwords" keeps the password. mosquitto reads both files again at SIGHUP. docs/plain-mqtt.md says the rest.',
    )
    .action(async (options: ExportOptions) => (await import('./export.ts')).exportForMosquitto(options));
}
