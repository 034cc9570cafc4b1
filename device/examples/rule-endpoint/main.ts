import type { AddressInfo } from 'node:net';
import { Command } from 'commander';
import { runProgram, stopSignal, wholeNumber } from '../../node/process.ts';
import { DEFAULT_MODEL } from './completion.ts';
import { createRuleEndpoint } from './server.ts';

const program = new Command('rule-endpoint')
  .description(
    'An OpenAI-compatible endpoint that answers by rule, for the demo. It is not a language model.',
  )
  .option('--host <address>', 'the address to listen on', '127.0.0.1')
  .option('--port <n>', '0 for any free one', wholeNumber(0), 11435)
  .option('--model <name>', 'the name of its model', DEFAULT_MODEL);

await runProgram('rule-endpoint', async () => {
  const { host, port, model } = program.parse().opts<{ host: string; port: number; model: string }>();
  const stop = stopSignal();
  const server = createRuleEndpoint({ model });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, resolve);
  });
  console.log(`Listening on http://${host}:${(server.address() as AddressInfo).port}/v1`);
  stop.addEventListener('abort', () => {
    server.close();
    server.closeAllConnections();
  });
});
