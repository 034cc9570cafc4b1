import { Command, Option } from 'commander';
import { urlOf } from '../node/process.ts';
import type { ProvisionOptions } from './main.ts';

/** `yggdrasil provision`. */
export function createProvisionCommand(): Command {
  return new Command('provision')
    .description(
      'Registers this device with the bootstrap key of its fleet, and keeps its credentials in a file.',
    )
    .requiredOption('--device-id <id>', 'its own id, as a serial number')
    .requiredOption('--credentials <file>', 'where its credentials come; a file that is there stays')
    .addOption(
      new Option('--world-type <type>', 'what it is')
        .choices(['jotunheim', 'midgard', 'alfheim', 'asgard', 'ragnarok'])
        .default('jotunheim'),
    )
    .option('--server <url>', 'the server', urlOf('http', 'https'), 'http://127.0.0.1:8080')
    .option('--key <key>', 'the bootstrap key; better in the environment, as YGGDRASIL_BOOTSTRAP_KEY')
    .addHelpText(
      'after',
      `
An answer that was lost is asked for again with the same command: what the device made by chance is kept beside its
credentials, in <file>.secret, until it has them.`,
    )
    .action(async (options: ProvisionOptions) => (await import('./main.ts')).provisionDevice(options));
}
