import { Command } from 'commander';
import { wholeNumber } from '../../node/process.ts';
import { withJson } from '../../node/server-options.ts';
import type { RuleEndpointOptions } from './main.ts';

/** Its name says what it is. */
const DEFAULT_MODEL = 'rule-based-stand-in';
const PORT_MAX = 65_535;

/** `yggdrasil rule-endpoint`. */
export function createRuleEndpointCommand(): Command {
  return withJson(
    new Command('rule-endpoint').description(
      'An OpenAI-compatible endpoint that answers by rule, for the demo. It is not a language model.',
    ),
  )
    .option('--host <address>', 'the address to listen on', '127.0.0.1')
    .option('--port <n>', '0 for any free one', wholeNumber(0, PORT_MAX), 11435)
    .option('--model <name>', 'the name of its model', DEFAULT_MODEL)
    .action(async (options: RuleEndpointOptions) => (await import('./main.ts')).runRuleEndpoint(options));
}
