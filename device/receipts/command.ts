import { Command } from 'commander';
import { idOf, urlOf } from '../node/process.ts';
import type { ShowReceiptOptions } from './main.ts';

/** Checks a receipt in a file, for `yggdrasil audit verify FILE`. Throws an Error that says what is wrong with it. */
export const verifyReceiptFile = async (file: string, key: string | null): Promise<void> =>
  (await import('./main.ts')).verifyReceipt(file, key);

/** `yggdrasil audit show`. */
export function createShowReceiptCommand(): Command {
  return new Command('show')
    .description('Prints the receipt of a request, with the proof that it is in your audit log.')
    .argument('<request>', 'the id of its transaction, or of its answer: chatcmpl-...', (text: string) =>
      idOf(text.replace(/^[a-z]+[-_]/, '')),
    )
    .option('--provider', 'as whose provider served it, where that was your own')
    .option('--server <url>', 'the server', urlOf('http', 'https'), 'http://127.0.0.1:8080')
    .option('--token <token>', 'of a user or an API key; better in the environment, as YGGDRASIL_TOKEN')
    .addHelpText(
      'after',
      '\nKeep what it prints: "yggdrasil audit verify FILE" checks it without the server.',
    )
    .action(async (request: string, options: ShowReceiptOptions) =>
      (await import('./main.ts')).showReceipt(request, options),
    );
}
