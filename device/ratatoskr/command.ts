import { Command, InvalidArgumentError } from 'commander';
import { urlOf } from '../node/process.ts';
import type { CallOptions } from './main.ts';

/** `yggdrasil ratatoskr`, with `call`. */
export function createRatatoskrCommand(): Command {
  const command = new Command('ratatoskr').description('Asks a server for operations over Ratatoskr.');
  command
    .command('call')
    .description("Asks for one operation, and prints its answer's body.")
    .argument('<operation>', 'its name in /openapi.json, e.g. devices.list')
    .option(
      '--input <json>',
      'params, query, headers and body, e.g. \'{"query":{"limit":5}}\'',
      readInput,
      {},
    )
    .option(
      '--server <url>',
      'where sessions are opened',
      urlOf('ws', 'wss'),
      'ws://127.0.0.1:8080/ratatoskr',
    )
    .option('--server-key <key>', 'of /api/v1/server (default: the key that the server shows)')
    .option(
      '--credentials <file>',
      'of a device: the JSON that POST /api/v1/devices answered under "credentials"',
    )
    .option('--token <token>', 'of a user or an API key; better in the environment, as YGGDRASIL_TOKEN')
    .option('--tenant <id>', "the tenant to act in (default: the account's own)")
    .action(async (operation: string, options: CallOptions) =>
      (await import('./main.ts')).callOperation(operation, options),
    );
  return command;
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
