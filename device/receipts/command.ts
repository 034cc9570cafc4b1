import { Command } from 'commander';
import { idOf } from '../node/process.ts';
import { withAccount, withJson } from '../node/server-options.ts';
import type { ShowReceiptOptions } from './main.ts';

/** Checks a receipt in a file, for `yggdrasil audit verify FILE`. Throws an Error that says what is wrong with it. */
export const verifyReceiptFile = async (
  file: string,
  key: string | null,
  output: { readonly json?: boolean },
): Promise<void> => (await import('./main.ts')).verifyReceipt(file, key, output);

/** `yggdrasil audit show`. */
export function createShowReceiptCommand(): Command {
  return withJson(
    withAccount(
      new Command('show').description(
        'Prints the receipt of a request as JSON, with the proof that it is in your audit log.',
      ),
    ),
  )
    .argument('<request>', 'the id of its transaction, or of its answer: chatcmpl-...', (text: string) =>
      idOf(text.replace(/^[a-z]+[-_]/, '')),
    )
    .option('--provider', 'as whose provider served it, where that was your own')
    .addHelpText(
      'after',
      '\nKeep what it prints: "yggdrasil audit verify FILE" checks it without the server.',
    )
    .action(async (request: string, options: ShowReceiptOptions) =>
      (await import('./main.ts')).showReceipt(request, options),
    );
}
