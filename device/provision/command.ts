import { Command, Option } from 'commander';
import { credentialsOption, serverOption, withJson } from '../node/server-options.ts';
import type { IdentityOptions } from './identity.ts';
import type { ProvisionOptions } from './main.ts';

/** `yggdrasil provision`. */
export function createProvisionCommand(): Command {
  return withJson(
    new Command('provision').description(
      'Registers this device with the bootstrap key of its fleet, or with its own certificate, and keeps its credentials in a file.',
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
    .option('--certificate <file>', 'its own certificate, in place of the key')
    .option('--private-key <file>', 'the key of that certificate; it stays here')
    .option('--authority <file>', 'the certificate of who issued it')
    .option('--key-id <id>', 'the id of the bootstrap key that was made with that authority')
    .addHelpText(
      'after',
      `
An answer that was lost is asked for again with the same command: what the device made by chance is kept beside its
credentials, in <file>.secret, until it has them.`,
    )
    .action(async (options: ProvisionOptions) => (await import('./main.ts')).provisionDevice(options));
}

/** `yggdrasil identity`: to take a device to another machine. */
export function createIdentityCommand(): Command {
  const withPassphrase = (command: Command) =>
    withJson(command).option(
      '--passphrase-file <file>',
      'what the backup is sealed under (default: YGGDRASIL_PASSPHRASE)',
    );
  return new Command('identity')
    .description("Keeps a device's identity safe, and takes it to another machine.")
    .addCommand(
      withPassphrase(
        new Command('backup')
          .argument('<file>', 'where the backup comes; a file that is there stays')
          .description('Seals what the device proves itself with under a passphrase.'),
      )
        .addOption(credentialsOption().makeOptionMandatory())
        .action(async (file: string, options: IdentityOptions) =>
          (await import('./identity.ts')).backUpIdentity(file, options),
        ),
    )
    .addCommand(
      withPassphrase(
        new Command('restore')
          .argument('<file>', 'the backup')
          .description('Writes the credentials that a backup holds.'),
      )
        .requiredOption('--credentials <file>', 'where they come; a file that is there stays')
        .addHelpText(
          'after',
          `
Two machines with one identity end each other's connection. Where the old one was lost, give the device another token and
signing key: POST /api/v1/devices/<id>/token?signingKey=true.`,
        )
        .action(async (file: string, options: IdentityOptions) =>
          (await import('./identity.ts')).restoreIdentity(file, options),
        ),
    );
}
