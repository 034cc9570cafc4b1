import { Command, InvalidArgumentError } from 'commander';
import { credentialsOption, withAccount, withJson } from '../node/server-options.ts';
import type { CallOptions } from './main.ts';

/** `yggdrasil ratatoskr`, with `call`. */
export function createRatatoskrCommand(): Command {
  const command = new Command('ratatoskr').description('Asks a server for operations over Ratatoskr.');
  const call = new Command('call').description("Asks for one operation, and prints its answer's body.");
  withJson(withAccount(call))
    .argument('<operation>', 'its name in /openapi.json, e.g. devices.list')
    .option(
      '--input <json>',
      'params, query, headers and body, e.g. \'{"query":{"limit":5}}\'',
      readInput,
      {},
    )
    .option('--server-key <key>', 'of /api/v1/server (default: the key that the server shows)')
    .addOption(credentialsOption())
    .action(async (operation: string, options: CallOptions) =>
      (await import('./main.ts')).callOperation(operation, options),
    );
  return command.addCommand(call);
}

/** An object in JSON. Throws InvalidArgumentError. */
function readInput(text: string): CallOptions['input'] {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value;
  } catch {
    // Said below.
  }
  throw new InvalidArgumentError('It must be an object in JSON.');
}
