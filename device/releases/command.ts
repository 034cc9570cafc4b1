import { Argument, Command, Option } from 'commander';
import { idOf, wholeNumber } from '../node/process.ts';
import { type ServerOptions, withAccount, withJson } from '../node/server-options.ts';
import type { SignOptions } from './releases.ts';
import type { RolloutOptions, StartOptions } from './rollouts.ts';

const releases = () => import('./releases.ts');
const rollouts = () => import('./rollouts.ts');
const VERSION_MAX = 0xffff_ffff;

/** A command that asks the REST API in the name of a user. */
const asking = (name: string, description: string): Command =>
  withJson(withAccount(new Command(name).description(description)));

/** `yggdrasil release` and its subcommands. */
export function createReleaseCommand(): Command {
  return new Command('release')
    .description('Releases of firmware and scripts, signed by a key that stays here.')
    .addCommand(
      withJson(
        new Command('keygen').description('makes a key, if the file is missing, and prints its public half'),
      )
        .argument('<file>', 'the private key (Ed25519, PEM)')
        .action(async (file: string, options: { json?: boolean }) =>
          (await releases()).makeKey(file, options),
        ),
    )
    .addCommand(createSignCommand())
    .addCommand(
      asking('allow', 'lets the server take what a key signs')
        .argument('<public key>', 'as "release keygen" prints it')
        .option('--name <name>', 'what it is called', 'release key')
        .option('--network <id>', 'for the devices of this network alone', idOf)
        .action(
          async (
            publicKey: string,
            options: ServerOptions & { name: string; network?: string; json?: boolean },
          ) => (await releases()).allowKey(publicKey, options),
        ),
    )
    .addCommand(
      asking('upload', 'brings a release to the server; done again, it goes on where it stopped')
        .argument('<file>', 'a .ygr')
        .action(async (file: string, options: ServerOptions & { json?: boolean }) =>
          (await releases()).uploadRelease(file, options),
        ),
    )
    .addCommand(
      asking('list', 'lists the releases on the server').action(
        async (options: ServerOptions & { json?: boolean }) => (await releases()).listReleases(options),
      ),
    );
}

function createSignCommand(): Command {
  return withJson(new Command('sign').description('signs a file as a release'))
    .argument('<file>', 'an image, or a script package (.ygs)')
    .requiredOption('--key <file>', 'the private key (Ed25519, PEM)')
    .requiredOption('--name <name>', 'small letters, digits, . _ -, at most 22')
    .requiredOption('--release-version <n>', 'a higher one is newer', wholeNumber(1, VERSION_MAX))
    .option('--target <machine>', 'what firmware is for, as devices call themselves: virtual, esp32c3')
    .addOption(new Option('--kind <kind>', 'what it is').choices(['firmware', 'script']).default('firmware'))
    .option('--oldest <n>', 'devices never go below this version again', wholeNumber(0, VERSION_MAX), 0)
    .option('--out <file>', 'where the release comes (default: <name>-<version>.ygr)')
    .action(async (file: string, { releaseVersion, ...options }: SignOptions & { releaseVersion: number }) =>
      (await releases()).signFile(file, { ...options, version: releaseVersion }),
    );
}

/** `yggdrasil rollout` and its subcommands. */
export function createRolloutCommand(): Command {
  return new Command('rollout')
    .description('Brings releases to devices.')
    .addCommand(createStartCommand())
    .addCommand(
      forRollout('status', 'says how far a rollout is')
        .option('--follow', 'shows every step until it is over')
        .action(async (id: string, options: RolloutOptions) => (await rollouts()).showRollout(id, options)),
    )
    .addCommand(createChangeCommand('pause', 'starts no further devices'))
    .addCommand(createChangeCommand('resume', 'goes on'))
    .addCommand(createChangeCommand('cancel', 'ends a rollout'));
}

function createStartCommand(): Command {
  return asking('start', 'begins a rollout to the devices that everything given here fits')
    .addArgument(new Argument('<release id>').argParser(idOf))
    .option('--network <id>', 'devices of this network', idOf)
    .option('--group <id>', 'devices of this group of the network', idOf)
    .option('--world-type <type>', 'devices of this kind')
    .option('--firmware <text>', 'devices that say that they run this')
    .option('--device <id...>', 'these devices')
    .option('--allow-older', 'devices may go back to an older version')
    .option('--at-once <n>', 'devices at work at the same time', wholeNumber(1))
    .option('--per-minute <n>', 'devices that are started in a minute', wholeNumber(1))
    .option('--failed-percent <n>', 'aborted where more of those that are over failed', wholeNumber(0, 100))
    .option('--failed-after <n>', 'not before so many are over', wholeNumber(1))
    .option(
      '--device-timeout <seconds>',
      'a device that says nothing for so long has failed',
      wholeNumber(10),
    )
    .option('--follow', 'shows every step until it is over')
    .action(async (releaseId: string, options: StartOptions) =>
      (await rollouts()).startRollout(releaseId, options),
    );
}

function createChangeCommand(verb: 'pause' | 'resume' | 'cancel', description: string): Command {
  return forRollout(verb, description).action(async (id: string, options: RolloutOptions) =>
    (await rollouts()).changeRollout(verb, id, options),
  );
}

function forRollout(name: string, description: string): Command {
  return asking(name, description).addArgument(new Argument('<rollout id>').argParser(idOf));
}
