import { Command } from 'commander';
import { wholeNumber } from '../node/process.ts';
import { credentialsOption, withAccount } from '../node/server-options.ts';
import type { LockCommandOptions } from './main.ts';

const HELP = `
The command gets the lock's token as YGGDRASIL_LOCK_TOKEN: what the lock guards should refuse lower ones than it has seen.
Where the lock is lost, the command is ended: SIGTERM, and SIGKILL five seconds later.

Exit code: that of the command, 128 and the number of the signal that ended it; 1 without the lock, and where it was lost.

Example:
  yggdrasil lock backup --wait 60 -- ./backup.sh --full`;

/** `yggdrasil lock`. */
export function createLockCommand(): Command {
  return withAccount(
    new Command('lock').description('Runs a command while it holds a lock, which is renewed meanwhile.'),
  )
    .addOption(credentialsOption())
    .argument('<name>', 'of the lock, in your tenant')
    .argument('<command...>', 'what to run, after --')
    .option('--network <id>', 'the name is one of this network')
    .option('--device <id>', 'the name is one of this device')
    .option('--read', 'share it with others that read')
    .option('--priority <0-9>', 'the highest goes first', wholeNumber(0, 9))
    .option('--wait <seconds>', 'how long to wait for it (default: for ever)', wholeNumber(0))
    .option('--lease <seconds>', 'how long it outlasts this program', wholeNumber(1, 3_600), 30)
    .addHelpText('after', HELP)
    .action(async (name: string, command: string[], options: LockCommandOptions) => {
      process.exitCode = await (await import('./main.ts')).runLocked(name, command, options);
    });
}
