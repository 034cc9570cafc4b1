import { Command } from 'commander';
import { urlOf, wholeNumber } from '../node/process.ts';
import type { ProviderOptions } from './main.ts';

const SLOTS_MAX = 1000;

/** `yggdrasil provider`. */
export function createProviderCommand(): Command {
  return new Command('provider')
    .description(
      'Offers a model of an OpenAI-compatible endpoint (Ollama, llama.cpp, vLLM) on the marketplace.',
    )
    .requiredOption('--credentials <file>', 'the JSON that POST /api/v1/devices answered under "credentials"')
    .requiredOption('--server <url>', 'e.g. ws://127.0.0.1:8080/bifrost', urlOf('ws', 'wss'))
    .requiredOption('--endpoint <url>', 'e.g. http://127.0.0.1:11434/v1', urlOf('http', 'https'))
    .requiredOption('--model <name>', 'the model, as requesters name it')
    .option('--endpoint-model <name>', 'the model, as the endpoint names it (default: the same)')
    .requiredOption('--price-cents <n>', 'price for 1000 tokens, in whole cents', wholeNumber(0))
    .option('--context <tokens>', 'prompt and answer together', wholeNumber(1), 8192)
    .option('--slots <n>', 'requests served at the same time', wholeNumber(1, SLOTS_MAX), 2)
    .option('--api-key <key>', 'sent to the endpoint; better in the environment, as PROVIDER_API_KEY')
    .action(async (options: ProviderOptions) => (await import('./main.ts')).runProvider(options));
}
