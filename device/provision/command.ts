import { Command, Option } from 'commander';
import { serverOption, withJson } from '../node/server-options.ts';
import type { ProvisionOptions } from './main.ts';

/** `yggdrasil provision`. */
export function createProvisionCommand(): Command {
  return withJson(
    new Command('provision').description(
      'Registers this device with the bootstrap key of its fleet, and keeps its credentials in a file.',
    ),
  )
    .requiredOption('--device-id <id>', 'its own id, as a serial number')
    .requiredOption('--credentials <file>', 'where its credentials come; a file that is there stays')
    .addOption(
      new Option('--world-type <type>', 'what it is')
        .choices(['jotunheim', 'midgard', 'alfheim', 'asgard', 'ragnarok'])
        .default('jotunheim'),
    )
    .addOption(serverOption())
    .option('--key <key>', 'the bootstrap key; better in the environment, as YGGDRASIL_BOOTSTRAP_KEY')
    .addHelpText(
      'after',
      `
An answer that was lost is asked for again with the same command: what the device made by chance is kept beside its
credentials, in <file>.secret, until it has them.`,
    )
    .action(async (options: ProvisionOptions) => (await import('./main.ts')).provisionDevice(options));
}
